using System.Collections.Concurrent;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>Servers that die, backends that are terminated, limits: nothing is lost, and the store goes on by itself.</summary>
public sealed class FaultTests : IAsyncLifetime
{
    private readonly ConcurrentQueue<string> warnings = new();
    private PostgresServer? running;

    private PostgresServer Server => running!;

    public async ValueTask InitializeAsync()
        => running = await PostgresServer.StartAsync("fsync=on", "wal_level=replica", "max_wal_senders=2");

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();

    /// <summary><c>SLUICE_KILLS=…</c> kills the server more often.</summary>
    [Fact]
    public async Task AServerThatIsKilledAgainAndAgainLosesAndRepeatsNothing()
    {
        int kills = int.Parse(Environment.GetEnvironmentVariable("SLUICE_KILLS") ?? "2");
        await using PostgresStreamStore store = await OpenAsync();
        Task<List<long>> sending = SendUntilAsync(store, "p", out CancellationTokenSource stop);
        for (int i = 0; i < kills; i++)
        {
            await SentAsync(store, 20 * (i + 1));
            await Server.KillAsync();
            await Server.StartAgainAsync();
        }
        await SentAsync(store, 20 * (kills + 1));
        await stop.CancelAsync();
        await AssertAllAsync(store, await sending);
    }

    /// <summary><c>SLUICE_KILLS=…</c> terminates more of them.</summary>
    [Fact]
    public async Task TerminatedBackendsLoseAndRepeatNothing()
    {
        int kills = int.Parse(Environment.GetEnvironmentVariable("SLUICE_KILLS") ?? "6");
        await using PostgresStreamStore store = await OpenAsync();
        Task<List<long>> sending = SendUntilAsync(store, "p", out CancellationTokenSource stop);
        for (int i = 0; i < kills; i++)
        {
            await SentAsync(store, 3 * (i + 1));
            await Server.AskAsync("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'Sluice'");
        }
        await SentAsync(store, 3 * (kills + 1));
        await stop.CancelAsync();
        await AssertAllAsync(store, await sending);
    }

    [Fact]
    public async Task AnOutageIsOneWarningAndItsEndAnother()
    {
        await using PostgresStreamStore store = await OpenAsync(new() { NoticeAfter = TimeSpan.FromMilliseconds(500) });
        warnings.Clear();
        await Server.KillAsync();
        Task<StreamInfo?> asked = store.FindStreamAsync("orders").AsTask();
        while (warnings.IsEmpty) await Task.Delay(1);
        await Server.StartAgainAsync();
        Assert.NotNull(await asked);
        string[] told = [.. warnings.Take(2)];       // on a busy machine another outage may follow
        Assert.Matches("^The PostgreSQL server at 127.0.0.1:\\d+ has (not answered|refused calls .*) since ", told[0]);
        Assert.Contains("answers again", told[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnUnreachableServerFailsACallAfterTheTimeout()
    {
        await using PostgresStreamStore store = await OpenAsync(new() { Timeout = TimeSpan.FromSeconds(2) });
        await Server.KillAsync();
        var failed = await Assert.ThrowsAsync<StreamStoreException>(async () => await store.EndStreamAsync("orders", StreamEnd.Complete));
        Assert.Matches("^The PostgreSQL server at 127.0.0.1:\\d+ does not answer", failed.Message);
        Assert.False(failed.IsPermanent);
        await Server.StartAgainAsync();
        Assert.Equal(StreamEnd.Complete, await store.EndStreamAsync("orders", StreamEnd.Complete));
    }

    [Fact]
    public async Task TooManyConnectionsAreWaitedForAndThenNamed()
    {
        await using PostgresStreamStore store = await OpenAsync(new() { Timeout = TimeSpan.FromSeconds(6) });
        await Server.AskAsync("ALTER ROLE sluice CONNECTION LIMIT 0; "
            + "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'Sluice'");
        var failed = await Assert.ThrowsAsync<StreamStoreException>(async () => await store.EndStreamAsync("orders", StreamEnd.Complete));
        Assert.Contains("accepts no more connections", failed.Message, StringComparison.Ordinal);
        Assert.Contains("(too many connections for role \"sluice\"). Raise the limit that this is about (max_connections, or the "
            + "CONNECTION LIMIT of the role or the database)", failed.Message, StringComparison.Ordinal);
        await Server.AskAsync("ALTER ROLE sluice CONNECTION LIMIT -1");
        Assert.Equal(StreamEnd.Complete, await store.EndStreamAsync("orders", StreamEnd.Complete));
    }

    [Fact]
    public async Task AChangedPasswordIsNamedAtOnceAndTheOldOneWorksAgainLater()
    {
        await using PostgresStreamStore store = await OpenAsync();
        await Server.AskAsync("ALTER ROLE sluice PASSWORD 'another'; "
            + "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'Sluice'");
        var failed = await Assert.ThrowsAsync<StreamStoreException>(async () =>
        {
            while (true) await store.EndStreamAsync("orders", StreamEnd.Complete);
        });
        Assert.Contains("refuses the user sluice", failed.Message, StringComparison.Ordinal);
        await Server.AskAsync("ALTER ROLE sluice PASSWORD 'secret'");
        Assert.Equal(StreamEnd.Complete, await store.EndStreamAsync("orders", StreamEnd.Complete));
    }

    [Fact]
    public async Task AStatementThatTheServerCancelsIsOneCallsFailure()
    {
        await using PostgresStreamStore store = await OpenAsync();
        await Server.AskAsync("ALTER ROLE sluice SET statement_timeout = '100ms'; "
            + "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'Sluice'");
        await using var blocker = new Npgsql.NpgsqlConnection(Server.Admin + ";Pooling=false");
        await blocker.OpenAsync();
        await using (var block = new Npgsql.NpgsqlCommand("BEGIN; SELECT 1 FROM sluice.stream FOR UPDATE", blocker))
            await block.ExecuteNonQueryAsync();
        var failed = await Assert.ThrowsAsync<StreamStoreException>(async () => await store.EndStreamAsync("orders", StreamEnd.Complete));
        Assert.Contains("has cancelled a statement", failed.Message, StringComparison.Ordinal);
        await using (var end = new Npgsql.NpgsqlCommand("ROLLBACK", blocker)) await end.ExecuteNonQueryAsync();
        await Server.AskAsync("ALTER ROLE sluice RESET statement_timeout; "
            + "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'Sluice'");
        Assert.Equal(StreamEnd.Complete, await store.EndStreamAsync("orders", StreamEnd.Complete));
    }

    [Fact]
    public async Task AWaitForALockOfAnotherSessionNamesThatCause()
    {
        await using PostgresStreamStore store = await OpenAsync(
            new() { Timeout = TimeSpan.FromSeconds(6), NoticeAfter = TimeSpan.FromMilliseconds(100) }, ";Timeout=60;Command Timeout=6");
        warnings.Clear();
        await using ByHand blocker = await ByHand.LockAsync(Server, "sluice", "orders");
        var failed = await Assert.ThrowsAsync<StreamStoreException>(async () => await store.EndStreamAsync("orders", StreamEnd.Complete));
        Assert.EndsWith(" It has not ended a statement within the Command Timeout: it is overloaded or frozen, or another session holds a "
            + "lock (pg_blocking_pids).", failed.Message, StringComparison.Ordinal);
        Assert.Contains(warnings, static text => text.EndsWith("does no other session hold a lock (pg_blocking_pids)?",
            StringComparison.Ordinal));
        await blocker.CommitAsync();
        Assert.Equal(StreamEnd.Complete, await store.EndStreamAsync("orders", StreamEnd.Complete));
    }

    [Fact]
    public async Task ACommitThatNoStandbyConfirmsIsNotReportedAsAccepted()
    {
        // The time in which the wait for the standby is seen, before the command fails: a busy machine needs some of it.
        await using PostgresStreamStore store = await OpenAsync(new() { Timeout = TimeSpan.FromSeconds(2) },
            ";Timeout=60;Command Timeout=5");
        (Task<AppendResult> waiting, long number) = await AppendUntilUnconfirmedAsync(store);
        var failed = await Assert.ThrowsAsync<StreamStoreException>(() => waiting);
        Assert.Contains("may have been done or not", failed.Message, StringComparison.Ordinal);
        await Server.AskAsync("ALTER SYSTEM RESET synchronous_standby_names");
        await Server.AskAsync("SELECT pg_reload_conf()");
        while (true)
            try
            {
                Assert.Equal(AppendStatus.Duplicate, (await AppendAsync(store, number)).Status);
                break;
            }
            catch (StreamStoreException)
            {
                // the server has not read its settings yet
            }
    }

    [Fact]
    public async Task ACallWhoseFirstAttemptMayHaveBeenExecutedSaysSoEvenIfTheLastWasNot()
    {
        await using PostgresStreamStore store = await OpenAsync(new() { Timeout = TimeSpan.FromSeconds(1) },
            ";Timeout=60;Command Timeout=60");
        (Task<AppendResult> waiting, _) = await AppendUntilUnconfirmedAsync(store);
        await Server.KillAsync();
        var failed = await Assert.ThrowsAsync<StreamStoreException>(() => waiting);
        Assert.Contains("may have been done or not", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AStandbyServesNoReadsBecauseTheyMightMissWrites()
    {
        await using PostgresStreamStore store = await OpenAsync(new() { Timeout = TimeSpan.FromSeconds(6) });
        await Server.StopAsync();
        await Server.StartAsStandbyAsync();
        var failed = await Assert.ThrowsAsync<StreamStoreException>(async () => await store.FindStreamAsync("orders"));
        Assert.Contains("accepts no writes: it is a standby", failed.Message, StringComparison.Ordinal);
        failed = await Assert.ThrowsAsync<StreamStoreException>(async () => await PostgresStreamStore.OpenAsync(Server.Address,
            new() { Timeout = TimeSpan.Zero }));
        Assert.Contains("accepts no writes: it is a standby", failed.Message, StringComparison.Ordinal);
        // Of several servers, the one that is no standby is used.
        string both = new Npgsql.NpgsqlConnectionStringBuilder(Server.Address)
        { Host = $"127.0.0.1:{Server.Port},127.0.0.1:{SharedServer.Current.Server.Port}" }.ConnectionString;
        await using (PostgresStreamStore primary = await PostgresStreamStore.OpenAsync(both,
            new() { Schema = SharedServer.NewSchema(), Timeout = TimeSpan.Zero }))
            await primary.OpenStreamAsync("orders");
        await Server.AskAsync("SELECT pg_promote()");
        Assert.NotNull(await store.FindStreamAsync("orders"));
    }

    // Appends until a commit waits for a standby that does not exist.
    private async Task<(Task<AppendResult> Waiting, long Number)> AppendUntilUnconfirmedAsync(PostgresStreamStore store)
    {
        await Server.AskAsync("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
        await Server.AskAsync("SELECT pg_reload_conf()");
        for (long number = 1; ; number++)
        {
            Task<AppendResult> sending = AppendAsync(store, number);
            while (!sending.IsCompleted)
                if (await Server.AskAsync("SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep' "
                    + "AND application_name = 'Sluice'") is true)
                    return (sending, number);
            if (sending.IsFaulted) return (sending, number);             // the command has failed before the wait was seen
            Assert.Equal(AppendStatus.Accepted, (await sending).Status);
        }
    }

    private static async Task<AppendResult> AppendAsync(PostgresStreamStore store, long number)
    {
        using var batch = new EntryBatch();
        batch.Add(BitConverter.GetBytes(number));
        return await store.AppendAsync(new("orders", "p", 0, number, batch));
    }

    private async Task<PostgresStreamStore> OpenAsync(PostgresStoreOptions? options = null, string words = "")
    {
        PostgresStreamStore store = await PostgresStreamStore.OpenAsync(Server.Address + words,
            (options ?? new() { Timeout = TimeSpan.FromMinutes(2) }) with { OnWarning = warnings.Enqueue });
        await store.OpenStreamAsync("orders", new() { Partitions = 1 });
        return store;
    }

    // Sends numbers, and repeats what failed, until it is stopped.
    private static Task<List<long>> SendUntilAsync(PostgresStreamStore store, string producer, out CancellationTokenSource stop)
    {
        stop = new();
        return Run(stop.Token);

        async Task<List<long>> Run(CancellationToken stopped)
        {
            List<long> sent = [];
            for (long number = 1; !stopped.IsCancellationRequested; number++)
            {
                using var batch = new EntryBatch();
                batch.Add(BitConverter.GetBytes(number));
                AppendResult result = await store.AppendAsync(new("orders", producer, 0, number, batch), CancellationToken.None);
                Assert.Contains(result.Status, (AppendStatus[])[AppendStatus.Accepted, AppendStatus.Duplicate]);
                sent.Add(number);
            }
            return sent;
        }
    }

    private static async Task SentAsync(PostgresStreamStore store, long count)
    {
        for (long seen = await store.WaitForChangeAsync("orders", -1); (await store.FindStreamAsync("orders"))!.Appended < count;)
            seen = await store.WaitForChangeAsync("orders", seen);
    }

    private static async Task AssertAllAsync(PostgresStreamStore store, List<long> sent)
    {
        List<long> read = [];
        for (long from = 1; read.Count < sent.Count;)
        {
            ReadResult page = await store.ReadAsync(new("orders", 0, from));
            Assert.NotEqual(0, page.Entries.Length);
            foreach (Entry entry in page.Entries.Span) read.Add(BitConverter.ToInt64(entry.Payload.Span));
            from = page.Next;
        }
        Assert.Equal(sent, read);
        Assert.Empty((await store.CheckAsync()).Problems);
    }
}
