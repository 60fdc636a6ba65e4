using System.Collections.Concurrent;
using System.Security.Cryptography;
using Npgsql;
using Sluice.Diagnostics;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>Each trouble of the server shows as one problem of the consecutor, which says why. When the trouble is over, the consecutor
/// goes on by itself, and nothing is lost or doubled.</summary>
public sealed class ProblemTests : IAsyncLifetime
{
    private const string End = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'Sluice'";
    private const int Items = 20;
    private const int ItemBytes = 50_000;            // a page of a table is full of one

    private readonly ConcurrentDictionary<int, bool> handled = new();
    private readonly ConcurrentQueue<string> warnings = new();
    private readonly TaskCompletionSource go = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private PostgresServer? running;
    private string? disk;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private PostgresServer Server => running!;

    public async ValueTask InitializeAsync() => running = await PostgresServer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (running is not null) await running.DisposeAsync();
        }
        finally
        {
            if (disk is not null)
            {
                await PostgresServer.RunAsync("umount", "-l", disk);     // a process of the server may still be about to end
                Directory.Delete(disk);
            }
        }
    }

    [Fact]
    public Task AChangedPassword() => PlayAsync("refuses the user sluice",
        () => Server.AskAsync($"ALTER ROLE sluice PASSWORD 'another'; {End}"),
        () => Server.AskAsync("ALTER ROLE sluice PASSWORD 'secret'"));

    [Fact]
    public async Task RefusedAppendsAreToldOnceAndSoIsTheirEnd()
    {
        var clock = new Testing.TestClock();
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(Server.Address,
            new() { OnWarning = warnings.Enqueue, NoticeAfter = TimeSpan.FromMinutes(1), Time = clock }, Cancellation);
        await store.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
        await AppendAsync(1);
        await Server.AskAsync($"ALTER ROLE sluice PASSWORD 'another'; {End}");
        StreamStoreException refused;
        do refused = await Assert.ThrowsAsync<StreamStoreException>(() => AppendAsync(2));
        while (refused.InnerException is not PostgresException { SqlState: PostgresErrorCodes.InvalidPassword });
        Assert.Single(warnings);
        for (int i = 0; i < 2; i++) await Assert.ThrowsAsync<StreamStoreException>(() => AppendAsync(2));
        Assert.Matches(@"^The PostgreSQL server at \S+ has refused calls since \d\d:\d\d:\d\d UTC; appends fail, and their callers have "
            + "the errors: password authentication failed for user \"sluice\"$", Assert.Single(warnings));
        await Server.AskAsync("ALTER ROLE sluice PASSWORD 'secret'");
        clock.Advance(TimeSpan.FromSeconds(5));
        await AppendAsync(2);
        Assert.Contains("takes appends again, 5 s after the first refusal", warnings.Last(), StringComparison.Ordinal);
        Assert.Equal(2, warnings.Count);

        async Task AppendAsync(long number)
        {
            using var entries = new EntryBatch();
            entries.Add("1"u8);
            await store.AppendAsync(new("orders", "p", 0, number, entries), Cancellation);
        }
    }

    [Fact]
    public Task TooManyConnections() => PlayAsync("accepts no more connections",
        () => Server.AskAsync($"ALTER ROLE sluice CONNECTION LIMIT 0; {End}"),
        () => Server.AskAsync("ALTER ROLE sluice CONNECTION LIMIT -1"));

    [Fact]
    public async Task StatementsThatAreCancelled()
    {
        await using var blocker = new NpgsqlConnection(Server.Admin + ";Pooling=false");
        await blocker.OpenAsync(Cancellation);
        await PlayAsync("has cancelled a statement", async () =>
        {
            await Server.AskAsync($"ALTER ROLE sluice SET statement_timeout = '100ms'; {End}");
            await RunAsync("BEGIN; SELECT count(*) FROM (SELECT 1 FROM sluice.part FOR UPDATE) locked");
        }, async () =>
        {
            await RunAsync("ROLLBACK");
            await Server.AskAsync($"ALTER ROLE sluice RESET statement_timeout; {End}");          // a slow machine needs more
        });

        async Task RunAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, blocker);
            await command.ExecuteNonQueryAsync(Cancellation);
        }
    }

    [Fact]
    public async Task AFullDisk()
    {
        disk = Directory.CreateTempSubdirectory("sluice-disk-").FullName;
        try
        {
            await PostgresServer.RunAsync("mount", "-t", "tmpfs", "-o", "size=16m,mode=777", "tmpfs", disk);
        }
        catch (Exception e) when (e is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            Directory.Delete(disk);
            disk = null;
            Assert.Skip("A disk that is small enough to be filled can be mounted by root only.");
        }
        // The tables of the store are on the small disk. The server's log is elsewhere: without room for it, the server ends.
        string tables = Path.Combine(disk, "tables"), rest = Path.Combine(disk, "rest");
        Directory.CreateDirectory(tables);
        await PostgresServer.RunAsync("chown", "postgres", tables);
        await Server.AskAsync($"CREATE TABLESPACE small LOCATION '{tables}'");
        await Server.AskAsync("GRANT CREATE ON TABLESPACE small TO sluice; ALTER ROLE sluice SET default_tablespace = 'small'");
        await PlayAsync("The disk of the PostgreSQL server at 127.0.0.1:", () => Task.Run(() =>
        {
            using FileStream file = File.Create(rest);
            byte[] block = new byte[4096];
            try
            {
                while (true) file.Write(block);
            }
            catch (IOException)
            {
                // full
            }
        }, Cancellation), () => Task.Run(() => File.Delete(rest), Cancellation));
    }

    [Fact]
    public Task AServerThatIsAway() => PlayAsync("does not answer", Server.KillAsync, Server.StartAgainAsync);

    /// <summary>Begins the trouble while items are in flight, and waits for the problem; then ends the trouble, and waits for the items.
    /// </summary>
    private async Task PlayAsync(string expected, Func<Task> beginAsync, Func<Task> endAsync)
    {
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(Server.Address,
            new() { OnWarning = warnings.Enqueue, NoticeAfter = TimeSpan.FromMinutes(1), Timeout = TimeSpan.FromSeconds(1) }, Cancellation);
        await using var copies = new Consecutor<byte[]>("copies", static items => items | (static _ => { }), new()
        {
            Store = store,
            Stream = new() { Partitions = 1 }
        });
        await using var work = new Consecutor<int>("work",
            items => items | CopyAsync | Stage.Parallel(Items) | Sink.Output<byte[]>("copies"), new()
            {
                Store = store,
                MaxInFlight = Items,
                Stream = new() { Partitions = 1 },
                Delivery = DeliveryGuarantee.Replay(0),
                Process = new(),
                OnWarning = static _ => { }
            });
        work.Output<byte[]>("copies").To(copies);
        await work.StartAsync(Cancellation);
        await work.SendAllAsync(Enumerable.Range(0, Items), Cancellation);
        while (handled.Count < Items) await Task.Delay(1, Cancellation);
        await beginAsync();
        go.SetResult();                              // from here on, their commits fail
        ConsecutorSnapshot troubled;
        while (true)
        {
            troubled = work.Snapshot();
            if (troubled.Problem?.Contains(expected, StringComparison.Ordinal) == true) break;
            Assert.True(troubled.Status == ConsecutorStatus.Running, $"{troubled}");
            await Task.Delay(1, Cancellation);
        }
        Assert.Equal((ConsecutorStatus.Running, 0L), (troubled.Status, troubled.Dead));
        Assert.DoesNotContain("secret", troubled.Problem, StringComparison.Ordinal);
        await endAsync();

        ConsecutorSnapshot after = await work.WaitForIdleAsync(Cancellation);
        Assert.Equal((Items, 0L, 0L), (after.Completed, after.Dead, after.Unaccounted));
        List<int> read = [];
        for (long from = 1; read.Count < Items;)
        {
            ReadResult page = await store.ReadAsync(new("copies", 0, from), Cancellation);
            Assert.NotEqual(0, page.Entries.Length);
            foreach (Entry entry in page.Entries.Span) read.Add(entry.Payload.Span[0]);
            from = page.Next;
        }
        Assert.Equal(Enumerable.Range(0, Items), read.Order());
        Assert.True(warnings.Count <= 2, string.Join('\n', warnings));       // the server is away; it answers again
        Assert.Empty((await store.CheckAsync(Cancellation)).Problems);
    }

    private async Task<byte[]> CopyAsync(int item)
    {
        handled[item] = true;
        await go.Task;
        byte[] copy = RandomNumberGenerator.GetBytes(ItemBytes);
        copy[0] = (byte)item;
        return copy;
    }
}
