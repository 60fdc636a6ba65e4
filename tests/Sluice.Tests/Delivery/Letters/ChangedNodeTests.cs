using System.Collections.Concurrent;
using System.Text;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Items wait for a node, and the next version of the code has it at another place, under another name, or not at all.</summary>
public sealed class ChangedNodeTests : IAsyncDisposable
{
    private readonly TestClock clock = new();
    private readonly ConcurrentQueue<string> seen = new();
    private readonly MemoryStreamStore store;
    private DeliveryGuarantee delivery = DeliveryGuarantee.Replay(0);

    public ChangedNodeTests() => store = new(clock);

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The default name of the stage is that of another one, once a stage is added in front of it.</summary>
    [Fact]
    public async Task ALetterOfAnUnnamedStageWaitsUntilTheStageIsNamedIfItsNameMayBeThatOfAnother()
    {
        await using (Consecutor<string> first = Make(source => source | Taxed | Failing | seen.Enqueue))
        {
            await first.StartAsync(Cancellation);
            await first.SendAsync("a", Cancellation);
            Assert.Equal(1, (await first.WaitForIdleAsync(Cancellation)).Dead);
            Assert.Equal("map-2", Assert.Single(await LettersAsync(first)).Node);
            Assert.Equal(1, await first.RedriveAsync(static _ => true, cancellation: Cancellation));          // the same code enters there
            Assert.Equal(1, (await first.WaitForIdleAsync(Cancellation)).Dead);
        }
        await using (Consecutor<string> added = Make(source => source | Checked | Taxed | Shipped | seen.Enqueue))
        {
            await added.StartAsync(Cancellation);
            await added.RedriveAsync(static _ => true, cancellation: Cancellation);
            ConsecutorSnapshot waits = await Member.UntilAsync(added, static now => now is { Parked: 1 } or { Completed: > 0 });
            Assert.Empty(seen);
            Assert.Equal("It is for 'map-2', which is the default name of a stage. The code had 2 such stages when the item was stored, "
                + "and has 3 now, so it is not known which one is meant. The item waits until you name its stage: Stage.Named(\"map-2\").",
                waits.Problem);
            await added.SendAsync("b", Cancellation);                    // others go on
            await Member.UntilAsync(added, static now => now is { Completed: 1 });
        }
        await using Consecutor<string> named = Make(source => source | Checked | Taxed | (Shipped | Stage.Named("map-2")) | seen.Enqueue);
        await named.StartAsync(Cancellation);
        await named.WaitForIdleAsync(Cancellation);
        Assert.Equal(["b checked taxed shipped", "a taxed shipped"], seen);
    }

    [Fact]
    public async Task OutputsOfADroppedNodeAreDeadLettersThatCanBeDiscarded()
    {
        delivery = DeliveryGuarantee.Replay(3, Backoff.Constant(TimeSpan.FromHours(1)));
        await using (Consecutor<string> first = Make(source => source.Chunk(2) | Stage.Named("twos")
            | Pipe.Of<string[]>().ForEach(static _ => throw new TimeoutException("not now"))))
        {
            await first.StartAsync(Cancellation);
            await first.SendAllAsync(["a", "b", "c"], Cancellation);
            await Member.UntilAsync(first, static now => now is { Retrying: 1 });
        }
        clock.Advance(TimeSpan.FromHours(2));
        await using Consecutor<string> without = Make(source => source | seen.Enqueue, StateChange.Dropped("twos"));
        await without.StartAsync(Cancellation);
        ConsecutorSnapshot end = await Member.UntilAsync(without, static now => now.Parked + now.Dead > 0);
        Assert.Equal((0, 1), (end.Parked, end.Dead));
        await without.WaitForIdleAsync(Cancellation);
        DeadLetter letter = Assert.Single(await LettersAsync(without));
        Assert.Equal("twos", letter.Node);
        Assert.Contains("The item is for the node 'twos', which was dropped (StateChange.Dropped).", letter.Error,
            StringComparison.Ordinal);
        Assert.Equal("[\"a\",\"b\"]", Encoding.UTF8.GetString(letter.Payload.Span));
        Assert.Equal(1, await without.DeleteDeadLettersAsync(static _ => true, Cancellation));
        Assert.Equal(0, (await without.WaitForIdleAsync(Cancellation)).Dead);
    }

    [Fact]
    public async Task ALetterOfANodeWithoutStateGoesToTheNewNameOfTheNode()
    {
        await using (Consecutor<string> first = Make(source => source | (Failing | Stage.Named("old")) | seen.Enqueue))
        {
            await first.StartAsync(Cancellation);
            await first.SendAsync("a", Cancellation);
            Assert.Equal(1, (await first.WaitForIdleAsync(Cancellation)).Dead);
        }
        await using Consecutor<string> renamed = Make(source => source | Checked | (Shipped | Stage.Named("new")) | seen.Enqueue,
            StateChange.Renamed("old", "new"));
        await renamed.StartAsync(Cancellation);
        await renamed.RedriveAsync(static _ => true, cancellation: Cancellation);
        await Member.UntilAsync(renamed, static now => now is { Completed: 1 } or { Parked: 1 });
        Assert.Equal(["a shipped"], seen);
    }

    private static Pipe<string, string> Checked => Pipe.Of<string>().Select(static text => $"{text} checked");

    private static Pipe<string, string> Taxed => Pipe.Of<string>().Select(static text => $"{text} taxed");

    private static Pipe<string, string> Shipped => Pipe.Of<string>().Select(static text => $"{text} shipped");

    private static Pipe<string, string> Failing => Pipe.Of<string>().Select(static string (_) => throw new FormatException());

    private static async Task<List<DeadLetter>> LettersAsync(Consecutor<string> consecutor)
        => await consecutor.ListDeadLettersAsync(Cancellation).ToListAsync(Cancellation);

    private Consecutor<string> Make(Func<Source<string>, Pipeline> body, params StateChange[] said) => new("work", body,
        Member.Options("one", store, clock) with
        {
            State = said,
            Delivery = delivery
        });
}
