using System.Globalization;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>Rows of the intake that are settled, and that no vacuum has removed, cost rounds nothing.</summary>
public sealed class DeadRowTests(SharedServer server)
{
    private const int DeadRows = 100_000, Rounds = 60;
    private static readonly TimeSpan MarkAge = TimeSpan.FromSeconds(5);
    private readonly string schema = SharedServer.NewSchema();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>
    /// A snapshot that is open keeps the server from forgetting the rows' index entries, too. When the intake is analyzed, it is empty.
    /// </remarks>
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task RoundsDoNotPassOverDeadRowsAgainAndAgain(bool areKept, bool isAnalyzed)
    {
        await using (PostgresStreamStore store = await OpenAsync(""))
            await store.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
        await server.Server.AskAsync($"ALTER TABLE {schema}.intake SET (autovacuum_enabled = off, toast.autovacuum_enabled = off)");
        await using (ByHand snapshot = await ByHand.BeginAsync(server.Server, areKept
            ? $"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM {schema}.intake" : "SELECT 1"))
        {
            // Of a transaction that is older than any that is open.
            await server.Server.AskAsync($"INSERT INTO {schema}.intake(stream, xid, items, bytes, body) SELECT s.id, 1, 1, 1, '\\x00' "
                + $"FROM {schema}.stream s, generate_series(1, {DeadRows})");
            await server.Server.AskAsync($"DELETE FROM {schema}.intake");
            if (isAnalyzed) await server.Server.AskAsync($"ANALYZE {schema}.intake");
            (long passed, TimeSpan took) = await PassedAsync();
            // The first round of a process reads everything, and so does one every five seconds. The sweeper looks once.
            long reads = 3 + (long)(took / MarkAge);
            Assert.True(passed <= reads * DeadRows, $"{passed} rows were passed over in {Rounds} rounds and {took}.");
        }
    }

    /// <summary>The rows of the intake, dead ones as well, that the rounds of a process pass over.</summary>
    private async Task<(long Rows, TimeSpan Took)> PassedAsync()
    {
        string application = $"rounds {schema}";
        long before = await AskAsync(), begun = TimeProvider.System.GetTimestamp();
        await using (PostgresStreamStore store = await OpenAsync($";Application Name={application}"))
        {
            using var batch = new EntryBatch();
            batch.Add("one"u8);
            for (int i = 1; i <= Rounds; i++)
                Assert.Equal(AppendStatus.Accepted, (await store.AppendAsync(new("orders", "p", 0, i, batch), Cancellation)).Status);
        }
        TimeSpan took = TimeProvider.System.GetElapsedTime(begun);
        await ByHand.UntilAsync(server.Server, $"SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = '{application}'");
        return (await AskAsync() - before, took);
    }

    // A scan of the table passes over all, and counts live rows only.
    private async Task<long> AskAsync() => Convert.ToInt64(await server.Server.AskAsync("SELECT (SELECT sum(idx_tup_read) FROM "
        + $"pg_stat_user_indexes WHERE schemaname = '{schema}' AND relname = 'intake') + {DeadRows} * (SELECT seq_scan "
        + $"FROM pg_stat_user_tables WHERE schemaname = '{schema}' AND relname = 'intake')"), CultureInfo.InvariantCulture);

    private ValueTask<PostgresStreamStore> OpenAsync(string more)
        => PostgresStreamStore.OpenAsync(server.Address + more, new() { Schema = schema }, Cancellation);
}
