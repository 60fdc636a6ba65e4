using System.Collections.Concurrent;
using System.Threading.Channels;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Producers that cannot resume, in front of a consecutor: pushed items, a manual source, an asynchronous sequence, a
/// channel.</summary>
public class LiveProducerTests
{
    private const int Items = 10_000;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> Kinds => ["pushed", "manual", "sequence", "channel"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task ItemsOfAnEndedRunAreDurable(string kind)
    {
        await using var store = new MemoryStreamStore();
        Consecutor<int> first = New(store, static _ => { });
        await (Live(kind, Items, out _) | first).RunAsync(cancellation: Cancellation);
        await first.AbandonAsync();                                      // as a process that is killed then
        Assert.Equal(Enumerable.Range(0, Items), await AcceptedAsync(store));
    }

    // An append in flight does not hold the source back; a full stream does.
    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AFullStreamHoldsTheSourceBackAndADrainedRunLosesNoItem(string kind)
    {
        const int Bound = 10, MaxTaken = 4096;   // what an append and the source itself hold at most
        await using var store = new MemoryStreamStore();
        var seen = new ConcurrentQueue<int>();
        await using Consecutor<int> consecutor = New(store, seen.Enqueue, Bound);
        PipelineRun run = (Live(kind, 100_000, out Func<int> taken) | consecutor).Start(cancellation: Cancellation);
        while (taken() <= Bound) await Member.NextAsync();               // the last one may be on its way, or wait in the channel
        Assert.InRange(taken(), Bound, MaxTaken);
        Task<bool> drained = run.StopAsync();
        await consecutor.StartAsync(Cancellation);
        Assert.True(await drained);
        await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal(Enumerable.Range(0, seen.Count), seen);
        await Member.UntilAsync(() => taken() >= seen.Count);            // the source counts an item after it was taken
        Assert.InRange(seen.Count, Bound, Math.Min(taken(), MaxTaken));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task AFailedAppendEndsTheRunEvenIfNoOtherItemComes(string kind)
    {
        await using var inner = new MemoryStreamStore();
        await using var store = new Refusing(inner);
        await using Consecutor<int> consecutor = New(store, static _ => { });
        PipelineRun run = (Live(kind, 3, out _, staysOpen: true) | consecutor).Start(cancellation: Cancellation);
        var failure = await Assert.ThrowsAsync<PipelineException>(() => run.Completion);
        Assert.Contains("Somebody else has opened the producer", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>A source of the numbers from zero, and how many of them were taken from it.</summary>
    private static Source<int> Live(string kind, int count, out Func<int> taken, bool staysOpen = false)
    {
        int given = 0;
        taken = () => Volatile.Read(ref given);
        switch (kind)
        {
            case "pushed":
                return Source.Create<int>(async (push, cancellation) =>
                {
                    for (int n = 0; n < count; n++)
                    {
                        await push(n);
                        Interlocked.Increment(ref given);
                    }
                    if (staysOpen) await Task.Delay(Timeout.Infinite, cancellation);
                });
            case "manual":
                ManualSource<int> manual = Source.Manual<int>();
                _ = SendAsync(manual);
                return manual;
            case "sequence":
                return Source.From(ProduceAsync());
            default:
                Channel<int> channel = Channel.CreateBounded<int>(1);
                _ = WriteAsync(channel.Writer);
                return Source.From(channel.Reader);
        }

        async Task SendAsync(ManualSource<int> manual)
        {
            await Task.Yield();
            try
            {
                for (int n = 0; n < count; n++)
                {
                    await manual.SendAsync(n, Cancellation);
                    Interlocked.Increment(ref given);
                }
                if (!staysOpen) manual.Complete();
            }
            catch (InvalidOperationException)
            {
                // The run is drained: this one was not accepted.
            }
        }

        async IAsyncEnumerable<int> ProduceAsync(
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation = default)
        {
            for (int n = 0; n < count; n++)
            {
                if (n % 100 == 0) await Task.Yield();
                Interlocked.Increment(ref given);
                yield return n;
            }
            if (staysOpen) await Task.Delay(Timeout.Infinite, cancellation);
        }

        async Task WriteAsync(ChannelWriter<int> writer)
        {
            for (int n = 0; n < count; n++)
            {
                await writer.WriteAsync(n, Cancellation);
                Interlocked.Increment(ref given);
            }
            if (!staysOpen) writer.Complete();
        }
    }

    private static Consecutor<int> New(IStreamStore store, Action<int> see, int? bound = null)
        => new("live", items => items | see, new()
        {
            Store = store,
            Stream = new() { Partitions = 1, MaxItems = bound ?? 1_000_000 },
            Run = new() { Mode = ExecutionMode.SingleThread },
            Process = new(),
        });

    private static async Task<int[]> AcceptedAsync(IStreamStore store)
    {
        var seen = new ConcurrentQueue<int>();
        await using Consecutor<int> consecutor = New(store, seen.Enqueue);
        await consecutor.StartAsync(Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        return [.. seen];
    }

    private sealed class Refusing(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override async ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellation = default)
        {
            await Task.Yield();
            return new(AppendStatus.Refused, 0, null);
        }
    }
}
