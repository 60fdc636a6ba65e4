using Npgsql;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.PostgreSql.Tests;

/// <summary>How waiting callers learn of changes by other processes.</summary>
public class WakeUpTests(SharedServer server)
{
    [Theory]
    [InlineData("other\norders\t4096")]
    [InlineData("other\norders\t2000000000")]
    [InlineData("other\norders\tfirst")]
    [InlineData("anything")]
    public async Task ANotificationThatNoStoreHasSentWakesEverybodyAndTakesNoMemory(string message)
    {
        var changes = new StreamChanges();
        changes.Know("orders");
        changes.Know("results");
        Task<long>[] waiting = [WaitAsync("orders", 1), WaitAsync("results", 2)];
        Assert.DoesNotContain(waiting, static one => one.IsCompleted);
        ChangeMessage.Read(message, "self", changes);
        await Task.WhenAll(waiting);

        Task<long> WaitAsync(string stream, long after)
            => changes.WaitForChangeAsync(stream, after, () => throw new InvalidOperationException(), default).AsTask();
    }

    /// <summary>Room in a stream may be made by a call that does not lock it, so that its counter stands still.</summary>
    [Fact]
    public async Task PollingCallersAlsoLookEveryFewSecondsWithoutAChange()
    {
        var clock = new TestClock();
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(server.Address,
            new() { Schema = SharedServer.NewSchema(), WakeUp = WakeUp.Poll, Time = clock });
        await store.OpenStreamAsync("orders", new() { Partitions = 1 });
        long seen = await store.WaitForChangeAsync("orders", -1);
        Task<long> waiting = store.WaitForChangeAsync("orders", seen).AsTask();
        clock.Advance(TimeSpan.FromSeconds(5));
        Assert.True(await waiting > seen);
    }

    /// <summary>Npgsql throws a plain exception on a connection that has lost its place, and initializers throw what they like.</summary>
    [Fact]
    public async Task APollThatFailsInAnyWayIsFollowedByTheNextOne()
    {
        int failures = 0;
        bool fails = false;
        var builder = new NpgsqlDataSourceBuilder(server.Address);
        builder.UsePhysicalConnectionInitializer(static _ => { }, _ =>
        {
            if (!Volatile.Read(ref fails)) return Task.CompletedTask;
            Interlocked.Increment(ref failures);
            throw new Exception("An odd one.");
        });
        await using NpgsqlDataSource source = builder.Build();
        PostgresStoreOptions options = new() { Schema = SharedServer.NewSchema(), WakeUp = WakeUp.Poll, Time = new TestClock() };
        await using PostgresStreamStore store = await PostgresStreamStore.OpenAsync(source, options);
        await using PostgresStreamStore other = await PostgresStreamStore.OpenAsync(server.Address, options);
        await store.OpenStreamAsync("orders");
        long seen = await store.WaitForChangeAsync("orders", -1);
        Volatile.Write(ref fails, true);
        source.Clear();
        Task<long> waiting = store.WaitForChangeAsync("orders", seen).AsTask();
        while (Volatile.Read(ref failures) < 2)
        {
            if (waiting.IsCompleted) waiting = store.WaitForChangeAsync("orders", seen = await waiting).AsTask();
            await Task.Yield();
        }
        Volatile.Write(ref fails, false);
        await other.EndStreamAsync("orders", StreamEnd.Complete);
        Assert.True(await waiting > seen);
    }

    [Fact]
    public async Task ARoundHasFewMegabytesUnlessASingleCallHasMore()
    {
        List<int> rounds = [];
        var first = new TaskCompletionSource();
        var queue = new RoundQueue(1, async calls =>
        {
            rounds.Add(calls.Count);
            if (rounds.Count == 1) await first.Task;
            foreach (StoreCall call in calls) call.Finish();
            return [];
        });
        StoreCall<bool>[] calls = [.. Enumerable.Range(0, 8).Select(_ => new StoreCall<bool>(1, true, _ => new(true), default))];
        for (int i = 0; i < calls.Length; i++)
        {
            calls[i].Needs.Streams.Add("orders");
            calls[i].Needs.Bytes = i == 4 ? 20 << 20 : 3 << 20;
            Assert.True(queue.Add(calls[i]));
        }
        first.SetResult();
        await Task.WhenAll(calls.Select(call => call.Task));
        Assert.Equal([1, 2, 1, 1, 2, 1], rounds);
    }

    /// <remarks>Regression: the commits of 64 partitions, each with a hundred functions, made one transaction of minutes.</remarks>
    [Fact]
    public async Task ARoundHasAHundredFunctionsAndAppendsDoNotWaitForMore()
    {
        List<string> rounds = [];
        var first = new TaskCompletionSource();
        var queue = new RoundQueue(1, async calls =>
        {
            rounds.Add(string.Join(' ', calls.Select(static call
                => call.Order == StoreCall.Appends ? "append" : $"{call.Needs.Functions}")));
            if (rounds.Count == 1) await first.Task;
            foreach (StoreCall call in calls) call.Finish();
            return [];
        });
        List<StoreCall<bool>> calls = [];
        foreach (int functions in (int[])[0, 60, 30, 20, 0, 90, 300, -1])
        {
            var call = new StoreCall<bool>(functions < 0 ? StoreCall.Appends : StoreCall.Commits, true, _ => new(true), default);
            call.Needs.Streams.Add("orders");
            call.Needs.Functions = Math.Max(0, functions);
            calls.Add(call);
            Assert.True(queue.Add(call));
        }
        first.SetResult();
        await Task.WhenAll(calls.Select(call => call.Task));
        Assert.Equal(["0", "60 30 append", "20 0", "90", "300"], rounds);
    }

    [Fact]
    public void CallsAreDividedByTheStreamsAndBatchesThatTheyHaveInCommon()
    {
        StoreCall[] calls = [.. ((string[][])[["a"], ["b"], ["c", "d"], ["a", "e"], ["f"], ["e", "d"]]).Select(streams =>
        {
            var call = new StoreCall<bool>(1, true, _ => new(true), default);
            call.Needs.Streams.UnionWith(streams);
            return call;
        })];
        calls[1].Needs.Batches.Add("batch");
        calls[4].Needs.Batches.Add("batch");
        Assert.Equal([[calls[0], calls[2], calls[3], calls[5]], [calls[1], calls[4]]], StoreCall.Divide([.. calls]));
    }
}
