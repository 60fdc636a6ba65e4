using Npgsql;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>
/// Random transactions that send, some of which roll back, while the server is killed and backends are terminated, against an oracle: the
/// rows of an application's table, which the same transactions write.
/// </summary>
public sealed class TransactionKillTests : IAsyncLifetime
{
    private const int Senders = 4;
    private readonly Progress done = new();
    private PostgresServer? running;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private PostgresServer Server => running!;

    public async ValueTask InitializeAsync()
    {
        running = await PostgresServer.StartAsync("fsync=on", "max_prepared_transactions=5");
        await Server.AskAsync("CREATE TABLE sent(sender int, number int); GRANT ALL ON sent TO sluice");
    }

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();

    /// <summary>
    /// <c>SLUICE_KILLS=…</c> kills the server more often. Each sender repeats a number until its row says that it has committed.
    /// </summary>
    [Fact]
    public async Task WhatCommitsIsProcessedOnceAndInOrderWhateverIsKilled()
    {
        int kills = int.Parse(Environment.GetEnvironmentVariable("SLUICE_KILLS") ?? "1");
        await using PostgresStreamStore store = await OpenAsync();
        await using Consecutor<string> target = Orders(store);
        var sink = Task.Run(() => ConsumeAsync(kills), Cancellation);
        using var stop = new CancellationTokenSource();
        Task<int>[] sending = [.. Enumerable.Range(0, Senders).Select(sender => Task.Run(() => SendAsync(target, sender, stop.Token)))];
        for (int i = 0; i < kills; i++)
        {
            await DoneAsync(40 * (i + 1));
            await Server.AskAsync("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'sluice' "
                + "AND random() < 0.5");
            await DoneAsync((40 * (i + 1)) + 15);
            await Server.KillAsync();
            await Server.StartAgainAsync();
        }
        await DoneAsync(40 * (kills + 1));
        await stop.CancelAsync();
        int[] last = await Task.WhenAll(sending);
        await sink;

        // The rows that the pipeline has written in the commits of its items, against those of the senders.
        Assert.Equal(last.Sum(), (int)(long)(await Server.AskAsync("SELECT count(*) FROM sent"))!);
        Assert.Equal(true, await Server.AskAsync("SELECT (SELECT array_agg((sender, number) ORDER BY sender, number) FROM sent) = "
            + "(SELECT array_agg((sender, number) ORDER BY sender, number) FROM got)"));
        Assert.Equal(true, await Server.AskAsync("SELECT count(*) = 0 FROM (SELECT number, lag(number) OVER (PARTITION BY sender ORDER BY "
            + "id) AS before FROM got) a WHERE number <= before"));
        Assert.Equal(0L, await Server.AskAsync("SELECT count(*) FROM sluice.intake"));
    }

    [Fact]
    public async Task APreparedTransactionIsLeftAloneUntilItCommits()
    {
        await using PostgresStreamStore store = await OpenAsync();
        await using Consecutor<string> orders = Orders(store);
        foreach (string end in (string[])["COMMIT", "ROLLBACK"])
        {
            await using var first = new NpgsqlConnection(Server.Address + ";Pooling=false");
            await first.OpenAsync(Cancellation);
            NpgsqlTransaction transaction = await first.BeginTransactionAsync(Cancellation);
            await orders.SendAsync("0:1", transaction, Cancellation);
            await using (var prepare = new NpgsqlCommand("PREPARE TRANSACTION 'one'", first))
                await prepare.ExecuteNonQueryAsync(Cancellation);
            await Server.KillAsync();
            await Server.StartAgainAsync();
            await using var connection = new NpgsqlConnection(Server.Address + ";Pooling=false");
            await connection.OpenAsync(Cancellation);
            int before = end == "COMMIT" ? 0 : 1;
            Assert.Equal(before, (await store.FindStreamAsync("orders", Cancellation))!.Appended);
            await using var command = new NpgsqlCommand($"{end} PREPARED 'one'", connection);
            await command.ExecuteNonQueryAsync(Cancellation);
            Assert.Equal(1, (await store.FindStreamAsync("orders", Cancellation))!.Appended);
        }
    }

    private async Task<int> SendAsync(Consecutor<string> target, int sender, CancellationToken stop)
    {
        var random = new Random(sender);
        int number = 1;
        while (!stop.IsCancellationRequested)
        {
            bool commits = random.Next(3) > 0;
            try
            {
                await using var connection = new NpgsqlConnection(Server.Address);
                await connection.OpenAsync(CancellationToken.None);
                // The outcome of a commit whose answer was lost is in the table.
                if (await ExistsAsync(connection, sender, number))
                {
                    number++;
                    done.Add();
                    continue;
                }
                await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(
                    random.Next(2) == 0 ? System.Data.IsolationLevel.ReadCommitted : System.Data.IsolationLevel.Serializable,
                    CancellationToken.None);
                await using (var insert = new NpgsqlCommand($"INSERT INTO sent VALUES ({sender}, {number})", connection))
                    await insert.ExecuteNonQueryAsync(CancellationToken.None);
                await target.SendAsync($"{sender}:{number}", transaction, CancellationToken.None);
                if (commits) await transaction.CommitAsync(CancellationToken.None);
                else await transaction.RollbackAsync(CancellationToken.None);
            }
            catch (Exception failure) when (failure is NpgsqlException or StreamStoreException or System.Net.Sockets.SocketException
                or IOException)
            {
                await Task.Yield();
            }
        }
        await using var last = new NpgsqlConnection(Server.Address);
        await last.OpenAsync(CancellationToken.None);
        return await ExistsAsync(last, sender, number) ? number : number - 1;
    }

    private static async Task<bool> ExistsAsync(NpgsqlConnection connection, int sender, int number)
    {
        await using var command = new NpgsqlCommand($"SELECT EXISTS (SELECT FROM sent WHERE sender = {sender} AND number = {number})",
            connection);
        return (bool)(await command.ExecuteScalarAsync(CancellationToken.None))!;
    }

    // Consumers that are dropped with what they have leased, one after the other, until all has come.
    private async Task ConsumeAsync(int kills)
    {
        for (int i = 0; ; i++)
        {
            await using PostgresStreamStore store = await OpenAsync();
            await using Consecutor<string> orders = new("orders", source => source | PostgresSink.InStore<string>(
                "INSERT INTO public.got(sender, number) VALUES($1, $2)",
                static item => [int.Parse(item.Split(':')[0]), int.Parse(item.Split(':')[1])],
                "CREATE TABLE IF NOT EXISTS public.got(id bigserial, sender int, number int)"), Options(store) with
                { LeaseDuration = TimeSpan.FromSeconds(1) })
            { Key = static text => text.Split(':')[0] };
            await orders.StartAsync(Cancellation);
            if (i <= kills)
            {
                await DoneAsync(Math.Min(done.Count + 25, 40 * (kills + 1)));
                continue;                            // disposed without a stop
            }
            await DoneAsync(40 * (kills + 1));
            do await orders.WaitForIdleAsync(Cancellation);
            while (await Server.AskAsync("SELECT count(*) FROM got") is not long got
                || got < (long)(await Server.AskAsync("SELECT count(*) FROM sent"))!);
            return;
        }
    }

    private static Consecutor<string> Orders(PostgresStreamStore store) => new("orders", source => source | (_ => { }), Options(store))
    { Key = static text => text.Split(':')[0] };

    private static ConsecutorOptions Options(PostgresStreamStore store) => new()
    { Store = store, Stream = new() { Partitions = 4 } };

    private Task DoneAsync(int count) => done.ReachAsync(count).WaitAsync(Cancellation);

    private ValueTask<PostgresStreamStore> OpenAsync()
        => PostgresStreamStore.OpenAsync(Server.Address, new() { Timeout = TimeSpan.FromMinutes(1), OnWarning = static _ => { } },
            Cancellation);

    /// <summary>Counts, and wakes those who wait for a count. Locking rule: <c>gate</c> protects everything.</summary>
    private sealed class Progress
    {
        private readonly Lock gate = new();
        private TaskCompletionSource more = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int count;

        public int Count
        {
            get { lock (gate) return count; }
        }

        public void Add()
        {
            TaskCompletionSource reached;
            lock (gate) (count, reached, more) = (count + 1, more, new(TaskCreationOptions.RunContinuationsAsynchronously));
            reached.SetResult();
        }

        public async Task ReachAsync(int wanted)
        {
            while (true)
            {
                Task next;
                lock (gate)
                {
                    if (count >= wanted) return;
                    next = more.Task;
                }
                await next;
            }
        }
    }
}
