using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>
/// A row that the server refuses for a reason that could be the statement's or the server's: its item is a dead letter, and only that.
/// </summary>
public sealed class SinkRowFaultTests(SharedServer server) : IAsyncLifetime
{
    private const int Bad = 50;

    private readonly string schema = SharedServer.NewSchema();
    private readonly EmptiedSchema place = EmptiedSchema.Rent(server.Address);
    private PostgresStreamStore? opened;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Insert => $"INSERT INTO {schema}.row VALUES($1, $2)";

    public async ValueTask InitializeAsync()
    {
        await server.Server.AskAsync($"CREATE SCHEMA {schema} AUTHORIZATION sluice");
        opened = await PostgresStreamStore.OpenAsync(place.Connections, new() { Schema = place.Name }, Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        if (opened is not null) await opened.DisposeAsync();
        await place.ReturnAsync();
    }

    [Theory]
    [InlineData("date", "unknown", true, false)]
    [InlineData("date", 7, true, false)]
    [InlineData("bigint", "seven", true, false)]
    [InlineData("date", "unknown", false, false)]
    [InlineData("date", "unknown", true, true)]
    [InlineData("bigint", "seven", false, true)]
    public async Task AValueOfAWrongTypeFailsItsItemOnly(string type, object wrong, bool isTogether, bool isOutside)
    {
        await RunAsync($"CREATE TABLE {schema}.row(id bigint, value {type})");
        object right = type == "date" ? new DateOnly(2024, 1, 1) : 7L;
        await LetterOfAsync(n => [(long)n, n == Bad ? wrong : right], isTogether, isOutside, "42804", $"({Bad}, ");
    }

    [Theory]
    [InlineData("42501", true, false)]
    [InlineData("42P01", true, false)]
    [InlineData("55000", true, false)]
    [InlineData("XX000", true, false)]
    [InlineData("57014", true, false)]
    [InlineData("25006", true, false)]
    [InlineData("40001", true, false)]
    [InlineData("XX000", true, true)]
    [InlineData("40P01", true, true)]
    [InlineData("42P01", true, false, "AFTER")]
    [InlineData("40001", true, false, "AFTER")]
    public async Task ARowThatATriggerRefusesWithAnyCodeFailsItsItemOnly(string code, bool isTogether, bool isOutside,
        string when = "BEFORE")
    {
        await RunAsync($"CREATE TABLE {schema}.row(id bigint NOT NULL, value int)");
        await RefuseAsync(code, $"NEW.id = {Bad}", $"TRIGGER look {when} INSERT");
        await LetterOfAsync(static n => [(long)n, n], isTogether, isOutside, code, $"({Bad}, {Bad})");
    }

    /// <summary>The trigger refuses rows until it is gone. No item fails, and the problem names the statement and a row.</summary>
    [Theory]
    [InlineData("42P01", 20)]
    [InlineData("42P01", 1)]
    [InlineData("XX000", 20)]
    [InlineData("XX000", 1)]
    [InlineData("57014", 20)]
    [InlineData("57014", 1)]
    [InlineData("42P01", 1, "TRIGGER look AFTER INSERT")]
    [InlineData("42P01", 20, "TRIGGER look AFTER INSERT")]
    [InlineData("40001", 20, "TRIGGER look AFTER INSERT")]
    [InlineData("42501", 20, "CONSTRAINT TRIGGER look AFTER INSERT", "DEFERRABLE INITIALLY DEFERRED ")]
    [InlineData("XX000", 1, "CONSTRAINT TRIGGER look AFTER INSERT", "DEFERRABLE INITIALLY DEFERRED ")]
    [InlineData("42P01", 20, "TRIGGER look AFTER INSERT", "", true)]
    public async Task ATriggerThatRefusesAllRowsKeepsThemWaiting(string code, int count, string trigger = "TRIGGER look BEFORE INSERT",
        string rest = "", bool isRepeated = false)
    {
        await RunAsync($"CREATE TABLE {schema}.row(id bigint PRIMARY KEY, value int NOT NULL)");
        // A row that is there already changes nothing, and asks no trigger.
        if (isRepeated) await RunAsync($"INSERT INTO {schema}.row VALUES(0, 0)");
        string insert = isRepeated ? $"{Insert} ON CONFLICT DO NOTHING" : Insert;
        await using Consecutor<int> rows = Rows(PostgresSink.InStore<int>(insert, static n => [(long)n, n]));
        await rows.StartAsync(Cancellation);
        await rows.SendAsync(-1, Cancellation);
        await rows.WaitForIdleAsync(Cancellation);
        await RefuseAsync(code, "true", trigger, rest);
        await rows.SendAllAsync([.. Enumerable.Range(0, count)], Cancellation);
        while (rows.Snapshot().Problem?.Contains("for the row (", StringComparison.Ordinal) != true)
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Delay(1, Cancellation);
        }
        string problem = rows.Snapshot().Problem!;
        Assert.Contains($"): no ({code}). The statement: {insert}", problem, StringComparison.Ordinal);
        await RunAsync($"DROP TRIGGER look ON {schema}.row");
        ConsecutorSnapshot end = await rows.WaitForIdleAsync(Cancellation);
        Assert.Equal((count + 1L, 0L, 0L), (end.Completed, end.Dead, end.Unaccounted));
    }

    private async Task LetterOfAsync(Func<int, object?[]> values, bool isTogether, bool isOutside, string code, string named)
    {
        await using Consecutor<int> rows = Rows(isOutside
            ? PostgresSink.InDatabase($"{server.Address};Search Path={schema}", Insert, $"DELETE FROM {schema}.row WHERE id = $1", values)
            : PostgresSink.InStore(Insert, values));
        if (isTogether)
        {
            await rows.SendAllAsync([.. Enumerable.Range(0, 100)], Cancellation);
            await rows.StartAsync(Cancellation);
        }
        else
        {
            // No row was taken before.
            await rows.StartAsync(Cancellation);
            await rows.SendAsync(Bad, Cancellation);
            await rows.WaitForIdleAsync(Cancellation);
            await rows.SendAllAsync([.. Enumerable.Range(0, 100).Where(static n => n != Bad)], Cancellation);
        }
        ConsecutorSnapshot end = await rows.WaitForIdleAsync(Cancellation);
        Assert.Equal((99L, 1L, 0L, null), (end.Completed, end.Dead, end.Unaccounted, end.Problem));
        DeadLetter letter = Assert.Single(await rows.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation));
        Assert.Equal(Bad, letter.Item);
        Assert.Contains($"({code})", letter.Error, StringComparison.Ordinal);
        Assert.Contains(named, letter.Error, StringComparison.Ordinal);
        Assert.Equal("99 99", await server.Server.AskAsync($"SELECT count(*) || ' ' || count(DISTINCT id) FROM {schema}.row"));
    }

    private Task RefuseAsync(string code, string when, string trigger = "TRIGGER look BEFORE INSERT", string rest = "")
        => RunAsync($"CREATE FUNCTION {schema}.look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {when} THEN RAISE EXCEPTION 'no' "
            + $"USING ERRCODE = '{code}'; END IF; RETURN NEW; END $$",
            $"CREATE {trigger} ON {schema}.row {rest}FOR EACH ROW EXECUTE FUNCTION {schema}.look()");

    private async Task RunAsync(params string[] statements)
    {
        foreach (string statement in statements)
        {
            await using Npgsql.NpgsqlCommand command = server.Direct.CreateCommand(statement);
            await command.ExecuteNonQueryAsync(Cancellation);
        }
    }

    private Consecutor<int> Rows(Sink<int> sink) => new("rows", source => source | (sink | Stage.Named("table")), new()
    {
        Store = opened!,
        Process = new(),
        Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
        Stream = new() { Partitions = 1 }
    });
}
