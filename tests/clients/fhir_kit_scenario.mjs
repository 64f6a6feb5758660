// A day with fhir-kit-client, https://www.npmjs.com/package/fhir-kit-client.
// Called by test_fhir_kit_client.py with the base URL; prints what it did and ends with 0 when all of it held.
import assert from 'node:assert/strict';
import { Client } from 'fhir-kit-client';

const client = new Client({ baseUrl: process.argv[2] });
const status = (answer) => Client.httpFor(answer).response.status;

async function refused(expected, promise) {
  const error = await promise.then(() => assert.fail(`expected ${expected}`), (thrown) => thrown);
  assert.equal(error.response?.status, expected, String(error));
  assert.equal(error.response.data.resourceType, 'OperationOutcome');
}

const scenarios = {
  async capabilities() {
    const statement = await client.capabilityStatement();
    assert.equal(statement.fhirVersion, '4.0.1');
  },

  async 'create, read, update with version, patch, delete'() {
    const body = { resourceType: 'Patient', name: [{ family: '司马', given: ['明'] }], gender: 'male' };
    const created = await client.create({ resourceType: 'Patient', body });
    assert.equal(status(created), 201);
    const { id } = created;
    const read = await client.read({ resourceType: 'Patient', id });
    assert.deepEqual(read.name, body.name);

    const changed = { ...read, birthDate: '1971-01-31' };
    const ifMatch = (version) => ({ headers: { 'If-Match': `W/"${version}"` } });
    const updated = await client.update({ resourceType: 'Patient', id, body: changed, options: ifMatch(1) });
    assert.equal(updated.meta.versionId, '2');
    await refused(412, client.update({ resourceType: 'Patient', id, body: read, options: ifMatch(1) }));

    const jsonPatch = [{ op: 'replace', path: '/gender', value: 'other' }];
    const patched = await client.patch({ resourceType: 'Patient', id, jsonPatch });
    assert.equal(patched.gender, 'other');
    const first = await client.vread({ resourceType: 'Patient', id, version: '1' });
    assert.equal(first.gender, 'male');

    await client.delete({ resourceType: 'Patient', id });
    await refused(410, client.read({ resourceType: 'Patient', id }));
    const history = await client.history({ resourceType: 'Patient', id });
    assert.deepEqual(history.entry.map((entry) => entry.request.method), ['DELETE', 'PATCH', 'PUT', 'POST']);
  },

  async 'conditional create'() {
    const body = { resourceType: 'Patient', identifier: [{ system: 'urn:example:kit', value: '1' }] };
    const options = { headers: { 'If-None-Exist': 'identifier=urn:example:kit|1' } };
    const first = await client.create({ resourceType: 'Patient', body, options });
    const second = await client.create({ resourceType: 'Patient', body, options });
    assert.deepEqual([status(first), status(second)], [201, 200]);
    assert.equal(first.id, second.id);
  },

  async 'transaction, search with include, pages'() {
    const fullUrl = 'urn:uuid:0e7d1f6e-6e3c-4a63-9f39-2c1f4f2f8f55';
    const observation = (value) => ({
      resource: {
        resourceType: 'Observation',
        status: 'final',
        code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }], text: 'kit' },
        subject: { reference: fullUrl },
        valueQuantity: { value, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
      },
      request: { method: 'POST', url: 'Observation' },
    });
    const answer = await client.transaction({
      body: {
        resourceType: 'Bundle',
        type: 'transaction',
        entry: [
          observation(61), observation(72), observation(88),
          {
            fullUrl,
            resource: { resourceType: 'Patient', name: [{ text: '转诊患者' }] },
            request: { method: 'POST', url: 'Patient' },
          },
        ],
      },
    });
    assert.equal(answer.type, 'transaction-response');
    const patient = answer.entry[3].response.location.match(/Patient\/([^/]+)/)[1];

    const searchParams = { patient, _include: 'Observation:subject', _count: '2', _sort: 'value-quantity' };
    let page = await client.search({ resourceType: 'Observation', searchParams });
    const values = [];
    for (; page; page = await client.nextPage({ bundle: page })) {
      const matches = page.entry.filter((entry) => entry.search.mode === 'match');
      const included = page.entry.filter((entry) => entry.search.mode === 'include');
      values.push(...matches.map((entry) => entry.resource.valueQuantity.value));
      assert.deepEqual(included.map((entry) => entry.resource.id), [patient]);
    }
    assert.deepEqual(values, [61, 72, 88]);

    const posted = await client.search({ resourceType: 'Observation', searchParams, options: { postSearch: true } });
    assert.equal(posted.entry.length, 3);
  },

  async 'a transaction that fails leaves nothing'() {
    const entry = (resource) => ({ resource, request: { method: 'POST', url: resource.resourceType } });
    const name = 'kit leaves nothing';
    const body = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [entry({ resourceType: 'Organization', name }), entry({ resourceType: 'Organization', nom: name })],
    };
    await refused(400, client.transaction({ body }));
    const found = await client.search({ resourceType: 'Organization', searchParams: { name } });
    assert.equal(found.entry?.length ?? 0, 0);
  },

  async 'a parameter that is not known'() {
    await refused(400, client.search({ resourceType: 'Patient', searchParams: { nmae: 'x' } }));
  },
};

for (const [name, scenario] of Object.entries(scenarios)) {
  await scenario();
  console.log(`ok ${name}`);
}
