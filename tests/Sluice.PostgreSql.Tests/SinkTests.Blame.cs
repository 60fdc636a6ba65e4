using Sluice.Diagnostics;

namespace Sluice.PostgreSql.Tests;

/// <content>
/// A row is at fault if the server takes a row of another item, and then refuses the row again. No other item is a dead letter.
/// </content>
public sealed partial class SinkTests
{
    private const string Deferred = "DEFERRABLE INITIALLY DEFERRED ", Constraint = "CONSTRAINT TRIGGER look AFTER INSERT";

    /// <summary>The commit of an item of two rows does not tell which row a deferred trigger refuses, and has no other item.</summary>
    [Theory]
    [InlineData("42P01", 1, Constraint, Deferred, false)]
    [InlineData("42P01", 20, Constraint, Deferred, false)]
    [InlineData("XX000", 1, Constraint, Deferred, false)]
    [InlineData("XX000", 20, Constraint, Deferred, false)]
    [InlineData("42P01", 20, Constraint, Deferred, true)]
    [InlineData("42P01", 20, "TRIGGER look AFTER INSERT", "", true)]
    [InlineData("23502", 20, "TRIGGER look AFTER INSERT", "", false)]
    [InlineData("HV000", 20, "TRIGGER look BEFORE INSERT", "", false)]
    public async Task ATriggerThatRefusesAllRowsKeepsItemsOfTwoRowsWaiting(string code, int count, string trigger, string rest,
        bool hasTwoSinks)
    {
        await RunAsync($"CREATE TABLE {schema}.row(id bigint PRIMARY KEY, value int NOT NULL)");
        await using Consecutor<int> rows = TwoRows(hasTwoSinks);
        await rows.StartAsync(Cancellation);
        await rows.SendAsync(-1, Cancellation);
        await rows.WaitForIdleAsync(Cancellation);
        await RefuseAsync(code, "true", trigger, rest);
        await rows.SendAllAsync([.. Enumerable.Range(0, count)], Cancellation);
        Assert.Contains($"): no ({code}). The statement: {Insert}", await ProblemOfARowAsync(rows), StringComparison.Ordinal);
        await EndsAsync(rows, count + 1, 0);
    }

    [Theory]
    [InlineData("42501", false)]
    [InlineData("XX000", false)]
    [InlineData("42501", true)]
    public async Task ADeferredTriggerThatRefusesARowFailsItsItemOnly(string code, bool hasTwoSinks)
    {
        await RunAsync($"CREATE TABLE {schema}.row(id bigint, value int)");
        await RefuseAsync(code, $"NEW.id = {1000 + Bad}", Constraint, Deferred);
        await using Consecutor<int> rows = TwoRows(hasTwoSinks);
        await rows.SendAllAsync([.. Enumerable.Range(0, 100)], Cancellation);
        await rows.StartAsync(Cancellation);
        ConsecutorSnapshot end = await rows.WaitForIdleAsync(Cancellation);
        Assert.Equal((99L, 1L), (end.Completed, end.Dead));
        Assert.Equal(Bad, Assert.Single(await rows.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation)).Item);
        Assert.Equal(198L, await server.Server.AskAsync($"SELECT count(*) FROM {schema}.row"));
    }

    [Theory]
    [InlineData("42501", false)]
    [InlineData("XX000", false)]
    [InlineData("42501", true)]
    public async Task ADeferredTriggerThatRefusesTheRowOfAnItemFailsItOnly(string code, bool isOutside)
    {
        await RunAsync($"CREATE TABLE {schema}.row(id bigint, value int)");
        await RefuseAsync(code, $"NEW.id = {Bad}", Constraint, Deferred);
        await LetterOfAsync(static n => [(long)n, n], isTogether: true, isOutside, code, $"({Bad}, {Bad})");
    }

    /// <summary>The trigger refuses a number of calls, whatever the row is: the fault of all ends at each possible moment.</summary>
    [Theory]
    [InlineData("42P01")]
    [InlineData("23502")]
    [InlineData("40001")]
    [InlineData("XX000")]
    public async Task AFaultOfAllThatEndsFailsNoItem(string code)
    {
        await RunAsync($"CREATE TABLE {schema}.row(id bigint PRIMARY KEY, value int NOT NULL)", $"CREATE SEQUENCE {schema}.call");
        await RefuseAsync(code, $"nextval('{schema}.call') <= {schema}.least()");
        for (int calls = 1; calls <= 6; calls++)
        {
            await RunAsync($"CREATE OR REPLACE FUNCTION {schema}.least() RETURNS int LANGUAGE sql AS 'SELECT {calls}'",
                $"ALTER SEQUENCE {schema}.call RESTART", $"TRUNCATE {schema}.row");
            await using Consecutor<int> rows = Rows($"rows{calls}", PostgresSink.InStore<int>(Insert, static n => [(long)n, n]));
            await rows.SendAllAsync([.. Enumerable.Range(0, 20)], Cancellation);
            await rows.StartAsync(Cancellation);
            ConsecutorSnapshot end = await rows.WaitForIdleAsync(Cancellation);
            Assert.Equal((calls, 20L, 0L), (calls, end.Completed, end.Dead));
        }
    }

    /// <remarks>The server takes a null of any type, which proves nothing.</remarks>
    [Theory]
    [InlineData(1, -1)]
    [InlineData(20, -1)]
    [InlineData(20, 7)]
    public async Task AColumnOfAnotherTypeKeepsAllItemsWaiting(int count, int without)
    {
        await RunAsync($"CREATE TABLE {schema}.row(id bigint, value text)");
        await using Consecutor<int> rows = Rows("rows",
            PostgresSink.InStore<int>(Insert, n => [(long)n, n < 0 || n == without ? null : "a"]));
        await rows.StartAsync(Cancellation);
        await rows.SendAsync(-1, Cancellation);
        await rows.WaitForIdleAsync(Cancellation);
        await RunAsync($"ALTER TABLE {schema}.row ALTER COLUMN value TYPE uuid USING value::uuid");
        await rows.SendAllAsync([.. Enumerable.Range(0, count)], Cancellation);
        Assert.Contains("is of type uuid but expression is of type text (42804)", await ProblemOfARowAsync(rows),
            StringComparison.Ordinal);
        await RunAsync($"ALTER TABLE {schema}.row ALTER COLUMN value TYPE text");
        Assert.Equal((count + 1L, 0L), await rows.WaitForIdleAsync(Cancellation) is var end ? (end.Completed, end.Dead) : default);
    }

    /// <summary>A second attempt would be alone in its commit, with other values.</summary>
    [Fact]
    public async Task AnItemThatWasAtFaultBesideOthersIsNotTriedAlone()
    {
        int calls = 0;
        await RunAsync($"CREATE TABLE {schema}.row(id bigint, value int)");
        await RefuseAsync("42501", $"NEW.id = {Bad}");
        await LetterOfAsync(n => [(long)n, Interlocked.Increment(ref calls)], isTogether: true, isOutside: false, "42501", $"({Bad}, ");
    }

    /// <summary>The row that was taken before is updated, and asks no trigger of inserts.</summary>
    [Fact]
    public async Task ARowThatIsUpdatedProvesNothingForARowThatIsInserted()
    {
        await RunAsync($"CREATE TABLE {schema}.row(id bigint PRIMARY KEY, value int)", $"INSERT INTO {schema}.row VALUES(0, 0)");
        await using Consecutor<int> rows = Rows("rows", PostgresSink.InStore<int>(
            $"{Insert} ON CONFLICT(id) DO UPDATE SET value = excluded.value", static n => [(long)n, n]));
        await RefuseAsync("42P01", "true", "TRIGGER look AFTER INSERT");
        await rows.SendAllAsync([.. Enumerable.Range(0, 2)], Cancellation);
        await rows.StartAsync(Cancellation);
        await ProblemOfARowAsync(rows);
        await EndsAsync(rows, 2, 0);
    }

    /// <summary>The row that the sink wrote last stands in for others of the commit.</summary>
    [Fact]
    public async Task ARowThatIsAloneFailsIfTheLastRowIsTakenAgain()
    {
        await RunAsync($"CREATE TABLE {schema}.row(id bigint, value int)");
        await RefuseAsync("42501", $"NEW.id = {Bad}");
        await using Consecutor<int> rows = Rows("rows", PostgresSink.InStore<int>(Insert, static n => [(long)n, n]));
        await rows.StartAsync(Cancellation);
        await rows.SendAsync(1, Cancellation);
        await rows.WaitForIdleAsync(Cancellation);
        await rows.SendAsync(Bad, Cancellation);
        Assert.Equal((1L, 1L), await rows.WaitForIdleAsync(Cancellation) is var end ? (end.Completed, end.Dead) : default);
        Assert.Equal(1L, await server.Server.AskAsync($"SELECT count(*) FROM {schema}.row"));
    }

    /// <summary>The server cancels the statement itself, so the transaction is repeated, and no row is at fault.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AStatementThatIsCancelledIsNamedWithItsRow(bool isOutside)
    {
        await RunAsync($"CREATE TABLE {schema}.row(id bigint, value int)");
        await RefuseAsync("42501", "pg_cancel_backend(pg_backend_pid()) AND pg_sleep(1) IS NULL");
        await using Consecutor<int> rows = Rows("rows", isOutside
            ? PostgresSink.InDatabase<int>($"{server.Address};Search Path={schema}", Insert, $"DELETE FROM {schema}.row WHERE id = $1",
                static n => [(long)n, n])
            : PostgresSink.InStore<int>(Insert, static n => [(long)n, n]));
        await rows.StartAsync(Cancellation);
        await rows.SendAsync(7, Cancellation);
        string problem = await ProblemOfARowAsync(rows);
        Assert.Contains($"for the row (7, 7): canceling statement due to user request (57014). The statement: {Insert}", problem,
            StringComparison.Ordinal);
        Assert.Contains("Raise the user's statement_timeout", problem, StringComparison.Ordinal);
        await EndsAsync(rows, 1, 0);
    }

    private async Task EndsAsync(Consecutor<int> rows, long completed, long dead)
    {
        await RunAsync($"DROP TRIGGER look ON {schema}.row");
        ConsecutorSnapshot end = await rows.WaitForIdleAsync(Cancellation);
        Assert.Equal((completed, dead, 0L), (end.Completed, end.Dead, end.Unaccounted));
    }

    private Consecutor<int> TwoRows(bool hasTwoSinks)
    {
        return new("rows", source => hasTwoSinks
            ? source | [s => s | (Sink(static n => n) | Stage.Named("first")),
                s => s | (Sink(static n => n + 1000) | Stage.Named("second"))]
            : source.SelectMany(static n => new[] { n, n + 1000 }) | (Sink(static n => n) | Stage.Named("table")), Once);

        Sink<int> Sink(Func<int, int> id) => PostgresSink.InStore<int>(Insert, n => [(long)id(n), n]);
    }

    private Consecutor<int> Rows(string name, Sink<int> sink) => new(name, source => source | (sink | Stage.Named("table")), Once);

    // An item that fails is a dead letter at once.
    private ConsecutorOptions Once => new()
    {
        Store = Store,
        Process = new(),
        Delivery = DeliveryGuarantee.Replay(0, Backoff.None),
        Stream = new() { Partitions = 1 }
    };
}
