using System.Data;
using Npgsql;
using Sluice.Storage;

namespace Sluice.PostgreSql.Tests;

/// <summary>Sends in the caller's transaction: items are accepted if and only if it commits, in order by key, without delay for
/// others.</summary>
public sealed partial class TransactionTests(SharedServer server) : IAsyncLifetime
{
    private readonly string schema = SharedServer.NewSchema();
    private readonly List<string> seen = [];
    private readonly SemaphoreSlim arrived = new(0);
    private PostgresStreamStore? opened;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private PostgresStreamStore Store => opened!;

    public async ValueTask InitializeAsync()
        => opened = await PostgresStreamStore.OpenAsync(server.Address, new() { Schema = schema }, Cancellation);

    public async ValueTask DisposeAsync() => await Store.DisposeAsync();

    [Theory]
    [InlineData(IsolationLevel.ReadCommitted)]
    [InlineData(IsolationLevel.RepeatableRead)]
    [InlineData(IsolationLevel.Serializable)]
    public async Task AnItemIsAcceptedIfAndOnlyIfItsTransactionCommits(IsolationLevel isolation)
    {
        await using Consecutor<string> orders = Orders();
        await using NpgsqlConnection connection = await server.Direct.OpenConnectionAsync(Cancellation);
        await orders.StartAsync(Cancellation);
        await using (NpgsqlTransaction gone = await connection.BeginTransactionAsync(isolation, Cancellation))
        {
            await orders.SendAsync("a:rolled back", gone, Cancellation);
            await gone.RollbackAsync(Cancellation);
        }
        await using (NpgsqlTransaction kept = await connection.BeginTransactionAsync(isolation, Cancellation))
        {
            await orders.SendAsync("a:1", kept, Cancellation);
            await kept.SaveAsync("here", Cancellation);
            await orders.SendAllAsync(["a:undone", "b:undone"], kept, Cancellation);
            await kept.RollbackAsync("here", Cancellation);
            await orders.SendAllAsync(["a:2", "b:1"], kept, Cancellation);
            Assert.Equal(0, (await Store.FindStreamAsync("orders", Cancellation))!.Appended);
            await kept.CommitAsync(Cancellation);
        }
        Assert.Equal(3, (await Store.FindStreamAsync("orders", Cancellation))!.Appended);
        await UntilAsync(orders, 3);
        Assert.Equal(["a:1", "a:2"], seen.Where(static one => one[0] == 'a'));
        Assert.Contains("b:1", seen);
        Assert.Equal(0L, await server.Server.AskAsync($"SELECT count(*) FROM {schema}.intake"));
    }

    /// <summary>A row with a lower id may be seen later: it is moved later, and not skipped. Nobody waits for its transaction.</summary>
    [Fact]
    public async Task AnOpenTransactionHoldsUpNobodyAndItsItemsComeWhenItCommits()
    {
        await using Consecutor<string> orders = Orders();
        await orders.StartAsync(Cancellation);
        await using NpgsqlConnection one = await server.Direct.OpenConnectionAsync(Cancellation);
        await using NpgsqlConnection other = await server.Direct.OpenConnectionAsync(Cancellation);
        await using NpgsqlTransaction slow = await one.BeginTransactionAsync(Cancellation);
        await orders.SendAsync("a:late", slow, Cancellation);
        for (int i = 0; i < 3; i++)
        {
            await using NpgsqlTransaction fast = await other.BeginTransactionAsync(Cancellation);
            await orders.SendAsync($"a:{i}", fast, Cancellation);
            await fast.CommitAsync(Cancellation);
            await orders.SendAsync($"a:{i} directly", Cancellation);
        }
        await UntilAsync(orders, 6);
        await slow.CommitAsync(Cancellation);
        await UntilAsync(orders, 7);
        Assert.Equal(["a:0", "a:0 directly", "a:1", "a:1 directly", "a:2", "a:2 directly", "a:late"], seen);
    }

    [Fact]
    public async Task MoreThanARoundTakesComesInOrderAndBeforeWhatIsSentLater()
    {
        await using Consecutor<string> orders = Orders(100_000);
        string[] many = [.. Enumerable.Range(0, 2500).Select(static i => $"a:{i}")];
        await InTransactionAsync(async transaction =>
        {
            foreach (string one in many) await orders.SendAsync(one, transaction, Cancellation);
        });
        await orders.SendAsync("a:last", Cancellation);
        await orders.StartAsync(Cancellation);
        await UntilAsync(orders, 2501);
        Assert.Equal([.. many, "a:last"], seen);
    }

    [Fact]
    public async Task AFullStreamRefusesAndTheTransactionGoesOn()
    {
        await using Consecutor<string> orders = Orders(3);
        await InTransactionAsync(async transaction =>
        {
            await orders.SendAllAsync(["a:1", "a:2"], transaction, Cancellation);
            var full = await Assert.ThrowsAsync<StreamStoreException>(() => orders.SendAllAsync(["a:3", "a:4"], transaction, Cancellation));
            Assert.Contains("The stream orders is full: nothing of this send is accepted", full.Message, StringComparison.Ordinal);
            Assert.Equal(SendStatus.Accepted, (await orders.TrySendAsync("a:3", transaction, null, Cancellation)).Status);
            Assert.Equal(SendStatus.Full, (await orders.TrySendAsync("a:4", transaction, null, Cancellation)).Status);
        });
        await InTransactionAsync(async transaction =>
            Assert.Equal(SendStatus.Full, (await orders.TrySendAsync("a:4", transaction, null, Cancellation)).Status));
        await orders.StartAsync(Cancellation);
        await UntilAsync(orders, 3);
        await orders.WaitForIdleAsync(Cancellation);
        await InTransactionAsync(transaction => orders.SendAsync("a:4", transaction, Cancellation));
        await UntilAsync(orders, 4);
        Assert.Equal(["a:1", "a:2", "a:3", "a:4"], seen);
    }

    [Fact]
    public async Task AKeyIsAcceptedOnceWhoeverSendsUnderIt()
    {
        await using Consecutor<string> orders = Orders();
        SendOptions key = new() { IdempotencyKey = "k", Fingerprint = new byte[] { 1 } };
        SendOptions other = key with { Fingerprint = new byte[] { 2 } };
        await InTransactionAsync(async transaction =>
        {
            Assert.Equal(SendStatus.Accepted, (await orders.TrySendAsync("a:1", transaction, key, Cancellation)).Status);
            Assert.Equal(SendStatus.Repeated, (await orders.TrySendAsync("a:1", transaction, key, Cancellation)).Status);
        });
        await InTransactionAsync(async transaction =>
        {
            Assert.Equal(SendStatus.Repeated, (await orders.TrySendAsync("a:1", transaction, key, Cancellation)).Status);
            Assert.Equal(SendStatus.Conflict, (await orders.TrySendAsync("a:x", transaction, other, Cancellation)).Status);
        });
        Assert.Equal(SendStatus.Repeated, (await orders.TrySendAsync("a:1", key, Cancellation)).Status);
        Assert.Equal(SendStatus.Conflict, (await orders.TrySendAsync("a:x", other, Cancellation)).Status);
        await InTransactionAsync(async transaction =>
        {
            SendOptions second = new() { IdempotencyKey = "k2" };
            Assert.Equal(SendStatus.Accepted, (await orders.TrySendAsync("a:2", transaction, second, Cancellation)).Status);
            Assert.Equal(SendStatus.Accepted, (await orders.TrySendAsync("a:2", second, Cancellation)).Status);      // waits for nobody
        });
        await orders.StartAsync(Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        Assert.Equal(["a:1", "a:2"], seen);
        await Assert.ThrowsAsync<ArgumentException>(() => InTransactionAsync(transaction => orders.TrySendAsync("a:3", transaction,
            new() { Timeout = TimeSpan.FromSeconds(1) }, Cancellation)));
    }

    [Fact]
    public async Task TwoTransactionsWithOneKeyFollowEachOther()
    {
        await using Consecutor<string> orders = Orders();
        SendOptions key = new() { IdempotencyKey = "k" };
        await orders.TrySendAsync("a:0", null, Cancellation);
        string name = $"second {schema}";
        await using var second = new NpgsqlConnection($"{server.Address};Application Name={name}");
        await second.OpenAsync(Cancellation);
        foreach (bool commits in (bool[])[false, true])
        {
            Task<SendResult> waiting = null!;
            await using NpgsqlTransaction later = await second.BeginTransactionAsync(Cancellation);
            await InTransactionAsync(async transaction =>
            {
                await orders.TrySendAsync("a:1", transaction, key, Cancellation);
                waiting = orders.TrySendAsync("a:1", later, key, Cancellation);
                await ByHand.BlockedAsync(server.Server, name);
            }, commits);
            Assert.Equal(commits ? SendStatus.Repeated : SendStatus.Accepted, (await waiting).Status);
            await later.RollbackAsync(Cancellation);
        }
    }

    /// <summary>Nodes emit at the end of the input, so it has not ended while a transaction that has sent may still commit.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task TheEndOfTheInputWaitsForOpenTransactionsThatHaveSent(bool commits)
    {
        await Store.OpenStreamAsync("orders", new() { Partitions = 1 }, Cancellation);
        await using Consecutor<string> orders = new("orders", source => source | Collect, new()
        { Store = Store, Stream = new() { Partitions = 1 } });
        var group = new GroupId("orders", "orders");
        await InTransactionAsync(async transaction =>
        {
            await orders.SendAsync("a:1", transaction, Cancellation);
            await orders.CompleteAsync(Cancellation);
            await InTransactionAsync(async late => Assert.Contains("The stream orders has ended", (await Assert
                .ThrowsAsync<InvalidOperationException>(() => orders.SendAsync("a:2", late, Cancellation))).Message,
                StringComparison.Ordinal));
            Assert.False((await LeaseAsync()).IsEnded);
        }, commits);
        LeaseResult lease = await LeaseAsync();
        while (commits && lease.Batches.Count == 0) lease = await LeaseAsync();
        Assert.Equal(!commits, lease.IsEnded);
        if (commits) Assert.Equal(1, lease.Batches[0].Entries.Length);

        async Task<LeaseResult> LeaseAsync()
            => await Store.LeaseAsync(new([(await Store.AcquireAsync(group, 0, new("a"), Cancellation)).Ownership]), Cancellation);
    }

    [Fact]
    public async Task ADeletedStreamTakesItsItemsWithIt()
    {
        await using Consecutor<string> orders = Orders();
        await InTransactionAsync(transaction => orders.SendAsync("a:1", transaction, Cancellation));
        await InTransactionAsync(async transaction =>
        {
            await orders.SendAsync("a:2", transaction, Cancellation);
            await Store.DeleteStreamAsync("orders", Cancellation);
        });
        var missing = await Assert.ThrowsAsync<StreamStoreException>(() => InTransactionAsync(
            transaction => orders.SendAsync("a:3", transaction, Cancellation)));
        Assert.Contains("There is no stream orders", missing.Message, StringComparison.Ordinal);
        await Store.OpenStreamAsync("other", cancellation: Cancellation);
        await Store.DeleteStreamAsync("other", Cancellation);
        await ByHand.UntilAsync(server.Server, $"SELECT count(*) = 0 FROM {schema}.intake");
    }

    [Fact]
    public async Task WhatIsAcceptedCountsAlsoForThoseWhoMayOnlyRead()
    {
        await using Consecutor<string> orders = Orders();
        await orders.TrySendAsync("a:0", null, Cancellation);
        await server.Server.AskAsync($"CREATE USER look_{schema} PASSWORD 'secret'; GRANT USAGE ON SCHEMA {schema} TO look_{schema}; "
            + $"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO look_{schema}");
        await using PostgresStreamStore looker = await PostgresStreamStore.OpenAsync(
            server.Address.Replace("Username=sluice", $"Username=look_{schema}", StringComparison.Ordinal),
            new() { Schema = schema, AutoCreate = false }, Cancellation);
        await using (ByHand locked = await ByHand.LockAsync(server.Server, schema, "orders"))
        {
            await InTransactionAsync(transaction => orders.SendAllAsync(["a:1", "a:2"], transaction, Cancellation));
            StreamInfo info = (await looker.FindStreamAsync("orders", Cancellation))!;
            Assert.Equal((3, 3, 3), (info.Items, info.Appended, info.Groups[0].Outstanding));
        }
        Assert.Equal(3, (await Store.FindStreamAsync("orders", Cancellation))!.Groups[0].Outstanding);
    }

    [Fact]
    public async Task ADamagedRowIsNamedAndHoldsUpNoOther()
    {
        await using Consecutor<string> orders = Orders();
        await orders.TrySendAsync("a:0", null, Cancellation);
        await using (ByHand locked = await ByHand.LockAsync(server.Server, schema, "orders"))
        {
            await InTransactionAsync(transaction => orders.SendAsync("a:1", transaction, Cancellation));
            await server.Server.AskAsync($"UPDATE {schema}.intake SET body = substr(body, 1, 20)");
            await InTransactionAsync(transaction => orders.SendAsync("a:2", transaction, Cancellation));
        }
        await orders.StartAsync(Cancellation);
        await UntilAsync(orders, 2);
        Assert.Equal(["a:0", "a:2"], seen);
        IntegrityReport report = await Store.CheckAsync(Cancellation);
        Assert.Contains("What a transaction has accepted for orders", Assert.Single(report.Problems), StringComparison.Ordinal);
    }

    private Consecutor<string> Orders(long maxItems = 1000, DamagePolicy onDamage = default)
        => new("orders", source => source | Collect, new()
        {
            Store = Store,
            OnDamage = onDamage,
            Stream = new() { MaxItems = maxItems },
        })
        { Key = static text => text[..1] };

    private void Collect(string item)
    {
        lock (seen) seen.Add(item);
        arrived.Release();
    }

    private async Task UntilAsync(Consecutor<string> orders, int count)
    {
        while (true)
        {
            Assert.False(orders.Completion.IsCompleted);
            lock (seen)
                if (seen.Count >= count) return;
            await await Task.WhenAny(arrived.WaitAsync(Cancellation), orders.Completion);
        }
    }

    private async Task InTransactionAsync(Func<NpgsqlTransaction, Task> run, bool commits = true)
    {
        await using NpgsqlConnection connection = await server.Direct.OpenConnectionAsync(Cancellation);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(Cancellation);
        await run(transaction);
        if (commits) await transaction.CommitAsync(Cancellation);
        else await transaction.RollbackAsync(Cancellation);
    }
}
