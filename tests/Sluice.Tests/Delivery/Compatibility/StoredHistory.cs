using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Delivery;

/// <summary>
/// A history in two halves. The first half fills a store with everything that consecutors and flows keep there, and ends as a process does
/// that is killed. The second half goes on from it.
/// A store file with the first half, written by an earlier version of Sluice, is test data: the second half must make of it what it makes
/// of one that was written just now.
/// </summary>
internal sealed class StoredHistory(IStreamStore store, bool isSecondHalf)
{
    private const int Numbers = 60;
    private const string Poison = "poison", Slow = "slow", Hanging = "hanging";

    // The first half's members are of another machine, so the second half waits for their lease durations. Its own members have longer
    // ones: a machine that stalls must not cost them their partitions.
    private static readonly TimeSpan LeaseDuration = TimeSpan.FromMinutes(5);
    private static readonly DateTimeOffset Start = new(2026, 11, 23, 0, 0, 0, TimeSpan.Zero);
    private readonly ConcurrentQueue<string> lines = new();
    private readonly ConcurrentQueue<BatchCompleted> batches = new();
    private readonly TaskCompletionSource hangs = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed record Order(string Customer, int Number, string What, DateTimeOffset At);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Fills an empty store.</summary>
    public static async Task BeginAsync(IStreamStore store)
    {
        var half = new StoredHistory(store, isSecondHalf: false);
        await half.BeginOrdersAsync();
        await half.BeginFlowAsync();
    }

    /// <summary>Goes on from a store that an earlier half has filled, and checks what becomes of it.</summary>
    public static async Task GoOnAsync(IStreamStore store)
    {
        IntegrityReport report = await store.CheckAsync(Cancellation);
        Assert.Empty(report.Problems);
        var half = new StoredHistory(store, isSecondHalf: true);
        await Task.WhenAll(half.EndOrdersAsync(), half.EndFlowAsync());
    }

    private async Task BeginOrdersAsync()
    {
        (Consecutor<Order> orders, Consecutor<string> texts) = Make();
        await texts.StartAsync(Cancellation);
        await orders.StartAsync(Cancellation);
        await (Source.Resumable("intake", Orders(0, 20)) | orders).RunAsync(cancellation: Cancellation);
        ConsecutorBatch<Order> batch = await orders.OpenBatchAsync("first", Cancellation);
        for (int n = 20; n < 24; n++) await batch.SendAsync(Made(n), Cancellation);
        await batch.SendAsync(Made(24, Poison), Cancellation);
        await orders.SendAsync(Made(25, Slow), Cancellation);
        await orders.SendAsync(Made(26, "x", customer: "c-1"), Cancellation);          // waits behind the slow one
        await UntilAsync(() => orders.Snapshot() is { InFlight: 0, Dead: 1 } now && now.Accepted - now.Completed - now.Dead == 2);
        await orders.SendAsync(Made(27, Hanging), Cancellation);
        await hangs.Task;
        await orders.SendAsync(Made(28), Cancellation);                                 // accepted; not begun, or under way
        await orders.AbandonAsync();
        await texts.AbandonAsync();
    }

    private async Task EndOrdersAsync()
    {
        (Consecutor<Order> orders, Consecutor<string> texts) = Make();
        await texts.StartAsync(Cancellation);
        await orders.StartAsync(Cancellation);
        // the first twenty were accepted
        await (Source.Resumable("intake", Orders(0, 20).Concat(Orders(29, 3))) | orders).RunAsync(cancellation: Cancellation);
        await orders.WaitForIdleAsync(Cancellation);
        List<DeadLetter> letters = [];
        await foreach (DeadLetter dead in orders.ListDeadLettersAsync(Cancellation)) letters.Add(dead);
        DeadLetter letter = Assert.Single(letters);
        Assert.Equal(("reject", Made(24, Poison)), (letter.Node, letter.Item));
        Assert.Contains("poison at 24", letter.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, await orders.RedriveAsync(static _ => true, Cancellation));
        await orders.WaitForIdleAsync(Cancellation);
        ConsecutorBatch<Order> batch = await orders.OpenBatchAsync("first", Cancellation);
        await batch.CloseAsync(Cancellation);
        await orders.CompleteAsync(Cancellation);
        ConsecutorSnapshot end = await orders.WaitForIdleAsync(Cancellation);
        Assert.Equal((33L, 33L, 0L, 0L), (end.Accepted, end.Completed, end.Dead, end.Unaccounted));          // 32, and the end of the batch
        await texts.WaitForIdleAsync(Cancellation);

        List<KeyValuePair<string, int>> totals = [];
        await foreach (KeyValuePair<string, int> total in orders.ListStateAsync<int>("totals", Cancellation)) totals.Add(total);
        IEnumerable<KeyValuePair<string, int>> expected = Enumerable.Range(0, 32).GroupBy(static n => n == 26 ? "c-1" : $"c-{n % 3}")
            .Select(static key => KeyValuePair.Create(key.Key, key.Sum()));
        Assert.Equal(expected.OrderBy(static one => one.Key), totals.OrderBy(static one => one.Key));
        Assert.Equal(32, lines.Max(int.Parse));          // what the chunks held at the end of the first half included
        // a letter that is redriven belongs to no batch any more
        Assert.Equal(("orders", "first", 1L), Assert.Single(batches) is var told ? (told.Consecutor, told.Batch, told.Failed) : default);
        await orders.DisposeAsync();
        await texts.DisposeAsync();
    }

    private (Consecutor<Order> Orders, Consecutor<string> Texts) Make()
    {
        RunOptions run = isSecondHalf ? new() { Time = new FastTime() } : new();
        TimeSpan lease = isSecondHalf ? LeaseDuration : new ConsecutorOptions().LeaseDuration;
        var orders = new Consecutor<Order>("orders", source => source
            | Reject | Stage.Named("reject") | Stage.OnError(ErrorPolicy.DeadLetter)
            | CheckAsync | Stage.Named("check")
            | StageNode.Of(static () => new Totals()) | Stage.Named("totals")
            | [Pipe.Of<string>().Chunk(4) | Stage.Named("fours") | (static four => string.Join('+', four)) | Sink.Output<string>("texts"),
            Pipe.Of<string>() | (_ => { })],
            new()
            {
                Store = store,
                Process = new(),
                Run = run,
                LeaseDuration = lease,
                // The slow item is tried each second until the first half ends, which may take some time.
                Delivery = DeliveryGuarantee.Replay(1000, Backoff.Constant(TimeSpan.FromSeconds(1))),
                Stream = new() { Partitions = 2 },
                OnBatchCompleted = ToldAsync
            })
        { Key = static order => order.Customer };
        var texts = new Consecutor<string>("texts", source => source.Scan(0, static (count, text) => count + text.Split('+').Length)
            | Stage.Named("count") | (count => lines.Enqueue($"{count}")),
            new() { Store = store, Process = new(), Run = run, LeaseDuration = lease });
        orders.Output<string>("texts").To(texts);
        return (orders, texts);
    }

    private Order Reject(Order order) => order.What == Poison && !isSecondHalf ? throw new FormatException($"poison at {order.Number}")
        : order;

    private async ValueTask<Order> CheckAsync(Order order, CancellationToken cancellation)
    {
        if (isSecondHalf) return order;
        if (order.What == Slow) throw new TimeoutException("not now");
        if (order.What == Hanging)
        {
            hangs.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancellation);
        }
        return order;
    }

    private ValueTask ToldAsync(BatchCompleted end, CancellationToken cancellation)
    {
        batches.Enqueue(end);
        return default;
    }

    private static IEnumerable<Order> Orders(int first, int count) => Enumerable.Range(first, count).Select(static n => Made(n));

    private static Order Made(int number, string what = "goods", string? customer = null)
        => new(customer ?? $"c-{number % 3}", number, what, Start.AddHours(number));

    private static async Task UntilAsync(Func<bool> isSo)
    {
        while (!isSo()) await Member.NextAsync();
    }

    private sealed class Totals : StatefulStageNode<Order, string, int>
    {
        protected override ValueTask ProcessAsync(Order item, Output<string> output, CancellationToken cancellation)
            => output.PushAsync($"{item.Customer}:{State += item.Number}");
    }

    private async Task BeginFlowAsync()
    {
        Supervisor starter = Supervisor.Attach(store, new() { Name = "starter" });
        await starter.StartAsync(CrashFlow.Everything, [IOVal.Of(CrashFlow.Input, Numbers)], run: "history", allOutputs: true,
            cancellation: Cancellation);
        var mortal = new MortalStore(store, 150, default);
        Supervisor host = Supervisor.Attach(mortal, new() { Name = "host", MaxStarts = int.MaxValue });
        CrashFlow.Register(host, static _ => true);
        await mortal.Died.WaitAsync(Cancellation);
        await host.AbandonAsync();
        await starter.AbandonAsync();
    }

    private async Task EndFlowAsync()
    {
        await using var starter = Supervisor.Attach(store, Options("starter"));
        await using FlowRun run = await starter.StartAsync(CrashFlow.Everything, [IOVal.Of(CrashFlow.Input, Numbers)], run: "history",
            allOutputs: true, cancellation: Cancellation);
        await using var host = Supervisor.Attach(store, Options("host"));
        CrashFlow.Register(host, static _ => true);
        Dictionary<string, List<string>> results = await CrashFlow.ReadAsync(run, cancellation: Cancellation);
        await run.Completion;
        Assert.Null(CrashFlow.Difference(CrashFlow.Expected(Numbers), results));
    }

    private static SupervisorOptions Options(string name)
        => new() { Name = name, MaxStarts = int.MaxValue, Time = new FastTime(), LeaseDuration = LeaseDuration };
}
