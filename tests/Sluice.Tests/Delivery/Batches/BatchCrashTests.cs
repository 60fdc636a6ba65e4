using System.Collections.Concurrent;
using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>BatchCompleted is reported although the process dies at each call of the store in turn while an item of the batch is
/// retried.</summary>
public class BatchCrashTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task BatchCompletedFollowsTheLastRetryWhereverTheProcessDies(bool hasKey)
    {
        int calls = await PlayAsync(int.MaxValue, Moment.After, hasKey);
        Assert.True(calls > 20, $"{calls} calls");
        for (int at = 1; at <= calls; at++)
            foreach (Moment moment in MortalStore.MomentsAt(at)) await PlayAsync(at, moment, hasKey);
    }

    /// <summary>Three orders become six lines: one line fails twice and is retried, one becomes a dead letter, and five are
    /// booked.</summary>
    private static async Task<int> PlayAsync(int dieAt, Moment moment, bool hasKey)
    {
        await using var store = new MemoryStreamStore();
        var ledger = new Ledger();
        var told = new ConcurrentQueue<(BatchCompleted End, int Booked)>();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int putOff = 0;
        await using (Consecutor<int> sender = Make(store)[0])
        {
            ConsecutorBatch<int> batch = await sender.OpenBatchAsync("monday", Cancellation);
            await batch.SendAllAsync([1, 2, 3], Cancellation);
            Assert.True(await batch.CloseAsync(Cancellation));
        }
        var mortal = new MortalStore(store, dieAt, moment);
        List<Consecutor<int>> first = Make(mortal);
        Task work = WorkAsync(first, mortal.Died);
        await Task.WhenAny(work, mortal.Died).WaitAsync(Cancellation);
        if (mortal.Died.IsCompleted)
        {
            await Task.WhenAll(first.Select(one => one.AbandonAsync()));
            await work.ContinueWith(static over => _ = over.Exception, CancellationToken.None, TaskContinuationOptions.None,
                TaskScheduler.Default);
            List<Consecutor<int>> second = Make(store);
            await WorkAsync(second, Task.Delay(Timeout.InfiniteTimeSpan, Cancellation));
            foreach (Consecutor<int> one in second) await one.DisposeAsync();
        }
        else
        {
            await work;
            foreach (Consecutor<int> one in first) await one.DisposeAsync();
        }
        Assert.Equal(["10", "11", "20", "30", "31"], ledger.Lines.Order());
        Assert.NotEmpty(told);
        Assert.All(told, one => Assert.Equal((new BatchCompleted("orders", "monday", 3 + 6 + 5, 1), 5), one));
        if (!mortal.Died.IsCompleted) Assert.Single(told);
        return mortal.Calls;

        async Task WorkAsync(List<Consecutor<int>> chain, Task died)
        {
            foreach (Consecutor<int> one in chain) await one.StartAsync(Cancellation);
            await Task.WhenAny(ended.Task, died).WaitAsync(Cancellation);
            if (died.IsCompleted) return;
            foreach (Consecutor<int> one in chain) Assert.Equal(0, (await one.WaitForIdleAsync(Cancellation)).Unaccounted);
        }

        List<Consecutor<int>> Make(IStreamStore itsStore)
        {
            var options = new ConsecutorOptions
            {
                Store = itsStore,
                Delivery = DeliveryGuarantee.Replay(3, Backoff.None),
                Stream = new() { Partitions = 2 },
                Process = new()
            };
            Func<int, string>? key = hasKey ? static n => $"{n % 2}" : null;
            var orders = new Consecutor<int>("orders",
                source => source.SelectMany(static n => new[] { 10 * n, (10 * n) + 1 }) | Sink.Output<int>("lines"), options)
            { Key = key };
            var lines = new Consecutor<int>("lines", source => source | Check | Sink.Output<int>("booked"), options) { Key = key };
            var books = new Consecutor<int>("books", source => source | ledger.Sink<int>(),
                options with { OnBatchCompleted = Ended })
            { Key = key };
            orders.Output<int>("lines").To(lines);
            lines.Output<int>("booked").To(books);
            return [orders, lines, books];
        }

        int Check(int n)
        {
            if (n == 11 && Interlocked.Increment(ref putOff) <= 2) throw new TimeoutException("not now");
            return n == 21 ? throw new FormatException("bad") : n;
        }

        ValueTask Ended(BatchCompleted end, CancellationToken cancellation)
        {
            told.Enqueue((end, ledger.Lines.Count));
            ended.TrySetResult();
            return default;
        }
    }
}
