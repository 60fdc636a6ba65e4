using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>Deleting what is not needed any more: in portions, and all of it in the end.</summary>
public class RemovalTests(SharedServer server) : IAsyncLifetime
{
    private static readonly GroupId Main = new("orders", "main");
    private readonly string schema = SharedServer.NewSchema();
    private readonly DateTimeOffset begun = DateTimeOffset.UtcNow;       // the store's time goes on only if a test says so
    private TimeSpan passed;
    private PostgresStreamStore? opened;

    private PostgresStreamStore Store => opened!;

    public async ValueTask InitializeAsync()
    {
        opened = await PostgresStreamStore.OpenAsync(server.Address, Patient.Options with
        { Schema = schema, ServerTime = () => begun + passed, OnWarning = warning => Assert.Fail(warning) });
        await Store.OpenStreamAsync("orders", new() { Partitions = 1 });
        await Store.AddGroupAsync(Main);
    }

    public async ValueTask DisposeAsync()
    {
        if (opened is not null) await opened.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task NoStatementDeletesMoreThanAThousandRowsHoweverManyThereAre()
    {
        await Store.OpenReaderAsync("orders", "page", new() { IdleTimeout = TimeSpan.FromSeconds(10) });
        await AskAsync($"CREATE FUNCTION {schema}.guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF (SELECT count(*) FROM gone) > 1000 "
            + "THEN RAISE EXCEPTION ''too many rows''; END IF; RETURN NULL; END'");
        foreach (string table in (string[])["chunk", "waiting", "dead", "state", "producer"])
            await AskAsync($"CREATE TRIGGER guard AFTER DELETE ON {schema}.{table} REFERENCING OLD TABLE AS gone "
                + $"FOR EACH STATEMENT EXECUTE FUNCTION {schema}.guard()");

        // The group has passed three thousand blocks; the reader, which has died, has not.
        await FillAsync("chunk(stream, part, first, last, before, bytes, body) SELECT s.id, 0, n, n, n - 1, 1, ''");
        await AskAsync($"UPDATE {schema}.part SET tail = 3000, bytes = 3000; UPDATE {schema}.stream SET items = 3000, bytes = 3000; "
            + $"UPDATE {schema}.owned SET dispatched = 3000, done = 3000; UPDATE {schema}.grp SET items = 3000, bytes = 3000");
        passed = TimeSpan.FromMinutes(1);
        await AppendAsync("p", 1);
        await EmptyAsync("chunk", 1);
        ReadResult read = await Store.ReadAsync(new("orders", 0, 1));
        Assert.Equal((1, 3000L), (read.Entries.Length, read.Missed));

        await FillAsync("waiting(grp, part, seq, state, before, alone, attempts, due, share, node, error, body) "
            + "SELECT g.id, 0, n, 2, 2, false, 1, NULL, 1, '', '', ''");
        await FillAsync("dead(grp, number, part, root, attempts, died, node, path, error, body) "
            + "SELECT g.id, n, 0, n, 1, 0, '', '', '', ''");
        await FillAsync("state(grp, part, node, key, version, value) SELECT g.id, 0, 'node', n::text, 1, ''");
        await Store.RemoveGroupAsync(Main);
        await Store.AddGroupAsync(Main);
        Assert.Empty(await Store.ListDeadAsync(Main));
        foreach (string table in (string[])["waiting", "dead", "state", "gone"]) await EmptyAsync(table, 0);

        await FillAsync("chunk(stream, part, first, last, before, bytes, body) SELECT s.id, 0, n, n, n - 1, 1, ''");
        await FillAsync("producer(stream, name, epoch, last, last_from, first_seq, first_generation, position) "
            + "SELECT s.id, n::text, 0, 1, 1, 0, 1, ''");
        await Store.DeleteStreamAsync("orders");
        await Store.OpenStreamAsync("orders", new() { Partitions = 2 });
        foreach (string table in (string[])["chunk", "producer", "gone"]) await EmptyAsync(table, 0);
        Assert.Empty((await Store.CheckAsync()).Problems);
    }

    /// <summary>Few blocks may be more than a statement removes: its bytes are limited, too.</summary>
    [Fact]
    public async Task LargeBlocksThatOneStatementDoesNotRemoveAreRemovedLater()
    {
        Ownership owner = (await Store.AcquireAsync(Main, 0, new("member"))).Ownership;
        await AskAsync($"INSERT INTO {schema}.chunk(stream, part, first, last, before, bytes, body) "
            + $"SELECT s.id, 0, n, n, (n - 1) * 1000000, 1000000, '' FROM generate_series(1, 150) n, {schema}.stream s");
        await AskAsync($"UPDATE {schema}.part SET tail = 150, bytes = 150000000; UPDATE {schema}.owned SET dispatched = 150; "
            + $"UPDATE {schema}.stream SET items = 150, bytes = 150000000, stamp = stamp + 1");
        Assert.Equal(CommitStatus.Committed, (await Store.CommitAsync(new(owner, 1) { Settled = [new(2, 150)] })).Status);
        Assert.Equal(150L, await AskAsync($"SELECT count(*) FROM {schema}.chunk"));
        Assert.Equal(CommitStatus.Committed, (await Store.CommitAsync(new(owner, 2) { Settled = [new(1, 1)] })).Status);
        await EmptyAsync("chunk", 0);
    }

    [Fact]
    public async Task WhatADeadProcessDidNotRemoveTheNextOneRemoves()
    {
        // In this order: the sweep that the first store began at its start may still run, and removes what it finds.
        await AskAsync($"INSERT INTO {schema}.state(grp, part, node, key, version, value) VALUES (1000, 0, 'node', 'key', 1, '')");
        await AskAsync($"INSERT INTO {schema}.member(grp, name, beats, instance, lease) VALUES (1000, 'beside', 1, '', 1)");
        await AskAsync($"INSERT INTO {schema}.gone(kind, id) VALUES (2, 1000)");
        await using PostgresStreamStore next = await PostgresStreamStore.OpenAsync(server.Address, new() { Schema = schema });
        await next.EndStreamAsync("orders", StreamEnd.Complete);
        foreach (string table in (string[])["state", "member", "gone"]) await EmptyAsync(table, 0);
    }

    [Fact]
    public async Task ForgottenProducersAreDeletedByLaterAppends()
    {
        for (int i = 0; i < 5; i++) await AppendAsync($"key {i}", 1, TimeSpan.FromSeconds(10));
        await AppendAsync("sender", 1);
        Assert.Equal(6L, await AskAsync($"SELECT count(*) FROM {schema}.producer"));
        passed = TimeSpan.FromSeconds(20);
        await AppendAsync("sender", 2);
        Assert.Equal(1L, await AskAsync($"SELECT count(*) FROM {schema}.producer"));
    }

    [Fact]
    public async Task ARefusedAppendDoesNotKeepItsForgottenProducer()
    {
        await AppendAsync("key", 1, TimeSpan.FromSeconds(10));
        passed = TimeSpan.FromSeconds(20);
        using var batch = new EntryBatch();
        batch.Add("entry"u8);
        Assert.NotEqual(AppendStatus.Accepted, (await Store.AppendAsync(new("orders", "key", 0, 7, batch))).Status);
        Assert.Equal(true, await AskAsync($"SELECT forget IS NOT NULL FROM {schema}.producer"));
        await AppendAsync("key", 1, TimeSpan.FromSeconds(10));
    }

    private Task<object?> AskAsync(string text) => server.Server.AskAsync(text);

    // Three thousand rows, in which s is the stream, g the group and n a number.
    private Task<object?> FillAsync(string rows) => AskAsync($"INSERT INTO {schema}.{rows} FROM generate_series(1, 3000) n, "
        + $"{schema}.stream s JOIN {schema}.grp g ON g.stream = s.id");

    private Task EmptyAsync(string table, int left)
        => ByHand.UntilAsync(server.Server, $"SELECT count(*) = {left} FROM {schema}.{table}");

    private async Task AppendAsync(string producer, long sequence, TimeSpan? forgetAfter = null)
    {
        using var batch = new EntryBatch();
        batch.Add("entry"u8);
        AppendResult result = await Store.AppendAsync(new("orders", producer, 0, sequence, batch) { ForgetAfter = forgetAfter });
        Assert.Equal(AppendStatus.Accepted, result.Status);
    }
}
