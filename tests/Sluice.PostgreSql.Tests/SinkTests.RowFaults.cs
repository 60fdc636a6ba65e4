using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <content>
/// Rows that the server refuses for a reason that could be the statement's or the server's: only the items of such rows are dead letters.
/// </content>
public sealed partial class SinkTests
{
    private const int Bad = 50;

    private string Insert => $"INSERT INTO {schema}.row VALUES($1, $2)";

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
        await using Consecutor<int> rows = Rows("words", PostgresSink.InStore<int>(insert, static n => [(long)n, n]));
        await rows.StartAsync(Cancellation);
        await rows.SendAsync(-1, Cancellation);
        await rows.WaitForIdleAsync(Cancellation);
        await RefuseAsync(code, "true", trigger, rest);
        await rows.SendAllAsync([.. Enumerable.Range(0, count)], Cancellation);
        string problem = await ProblemOfARowAsync(rows);
        Assert.Contains($"): no ({code}). The statement: {insert}", problem, StringComparison.Ordinal);
        await RunAsync($"DROP TRIGGER look ON {schema}.row");
        ConsecutorSnapshot end = await rows.WaitForIdleAsync(Cancellation);
        Assert.Equal((count + 1L, 0L, 0L), (end.Completed, end.Dead, end.Unaccounted));
    }

    /// <summary>A row that was refused before, and passes for the same row in a message, does not make another row a refused one.</summary>
    [Fact]
    public async Task ARowThatWasAtFaultIsKnownByItsWholeValues()
    {
        await RunAsync($"CREATE TABLE {schema}.row(value bytea)");
        await RefuseAsync("42501", "NEW.value = '\\x00'");
        await using Consecutor<int> rows = Words(Store, PostgresSink.InStore<int>($"INSERT INTO {schema}.row VALUES($1)",
            static n => [new byte[] { (byte)n }]), hasKeys: false);
        await rows.StartAsync(Cancellation);
        await rows.SendAllAsync([1, 2], Cancellation);
        await rows.WaitForIdleAsync(Cancellation);
        await rows.SendAsync(0, Cancellation);
        Assert.Equal((2L, 1L), await rows.WaitForIdleAsync(Cancellation) is var end ? (end.Completed, end.Dead) : default);
        await RunAsync($"DROP TRIGGER look ON {schema}.row; DROP FUNCTION {schema}.look()");
        await RefuseAsync("42501", "true");
        await rows.SendAsync(3, Cancellation);
        Assert.Contains("for the row (1 bytes): no (42501)", await ProblemOfARowAsync(rows), StringComparison.Ordinal);
        await RunAsync($"DROP TRIGGER look ON {schema}.row");
        Assert.Equal((3L, 1L), await rows.WaitForIdleAsync(Cancellation) is var last ? (last.Completed, last.Dead) : default);
    }

    private static async Task<string> ProblemOfARowAsync(Consecutor<int> rows)
    {
        string? problem = null;                      // the next attempt may have another one, or none
        await Rounds.UntilAsync(() => (problem = rows.Snapshot().Problem)?.Contains("for the row (", StringComparison.Ordinal) == true,
            "No problem names a row.");
        return problem!;
    }

    private async Task LetterOfAsync(Func<int, object?[]> values, bool isTogether, bool isOutside, string code, string named)
    {
        await using Consecutor<int> rows = Words(Store, isOutside
            ? PostgresSink.InDatabase($"{server.Address};Search Path={schema}", Insert, $"DELETE FROM {schema}.row WHERE id = $1", values)
            : PostgresSink.InStore(Insert, values), hasKeys: false);
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
}
