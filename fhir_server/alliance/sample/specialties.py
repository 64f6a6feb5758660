"""Specialties of the departments, in the alliance's own code system."""

SPECIALTIES = {
    "cardiology": "心血管内科",
    "neurology": "神经内科",
    "orthopaedics": "骨科",
    "obstetrics": "产科",
    "respiratory": "呼吸与危重症医学科",
    "surgery": "外科",
    "endocrinology": "内分泌科",
    "nephrology": "肾内科",
    "gastroenterology": "消化内科",
    "oncology": "肿瘤科",
    "rehabilitation": "康复医学科",
    "general-practice": "全科医学科",
}
