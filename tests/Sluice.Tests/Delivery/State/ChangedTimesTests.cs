using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Code that gives its chunks and windows a time, or takes it away, over state of code that had none, or had one.</summary>
public class ChangedTimesTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly TestClock clock = new();
    private readonly Ledger ledger = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <remarks>Formerly they waited without end: only an empty chunk began a time.</remarks>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WhatAChunkHoldsComesOutAfterATimeThatIsNew(bool sends)
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await LiveAsync(store, Chunks(null), 1, 2);
        clock.Advance(60 * Minute);
        await using Consecutor<int> last = Make(store, Chunks(5 * Minute));
        await last.StartAsync(Cancellation);
        if (sends)
        {
            await last.SendAsync(3, Cancellation);
            await last.WaitForIdleAsync(Cancellation);
        }
        Assert.Empty(ledger.Lines);
        await PassAsync(6, lines: 1);
        Assert.Equal([sends ? "1,2,3" : "1,2"], ledger.Lines);
    }

    /// <remarks>Formerly the first chunk came out at once, as one that began when the time was taken away.</remarks>
    [Fact]
    public async Task ATimeThatWasTakenAwayLeavesNoBeginBehind()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await LiveAsync(store, Chunks(5 * Minute), 1);
        await LiveAsync(store, Chunks(null), 2);
        clock.Advance(60 * Minute);
        await using Consecutor<int> last = Make(store, Chunks(5 * Minute));
        await last.StartAsync(Cancellation);
        await last.SendAsync(3, Cancellation);
        await last.WaitForIdleAsync(Cancellation);
        Assert.Empty(ledger.Lines);
        await PassAsync(6, lines: 1);
        Assert.Equal(["1,2,3"], ledger.Lines);
    }

    /// <remarks>Formerly the watermark jumped by the time since the year one, or since the last code with an idle timeout: all windows came
    /// out unfinished, and each later item was late.</remarks>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnIdleTimeoutBeginsWithTheCodeThatHasIt(bool hadOne)
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        if (hadOne) await LiveAsync(store, Windows(idle: 5 * Minute), 1);
        await LiveAsync(store, Windows(idle: null), 2, 3);
        if (hadOne)
        {
            clock.Advance(60 * Minute);
            await LiveAsync(store, Windows(idle: null), 4);
        }
        await LiveAsync(store, Windows(idle: 5 * Minute), 5, 6);
        Assert.Empty(ledger.Lines);
        await using Consecutor<int> last = Make(store, Windows(idle: 5 * Minute));
        await last.StartAsync(Cancellation);
        await last.SendAsync(7, Cancellation);
        await last.WaitForIdleAsync(Cancellation);
        await PassAsync(20, lines: 1);
        Assert.Equal([hadOne ? "00:00-00:10 1,2,3,4,5,6,7" : "00:00-00:10 2,3,5,6,7"], ledger.Lines);
    }

    private Task PassAsync(int minutes, int lines)
    {
        DateTimeOffset last = clock.GetUtcNow() + ((minutes + 60) * Minute);
        return TimedStateTests.AdvanceUntilAsync(clock, minutes * Minute, () => ledger.Lines.Count >= lines || clock.GetUtcNow() >= last);
    }

    private static Func<Source<int>, Source<string>> Chunks(TimeSpan? within)
        => source => source.Chunk(100, within) | Stage.Named("held") | (static some => string.Join(',', some));

    private static Func<Source<int>, Source<string>> Windows(TimeSpan? idle)
    {
        var time = new EventTime<int>(static n => DateTimeOffset.UnixEpoch.AddMinutes(n)) { IdleTimeout = idle };
        return source => source.Window(time, 10 * Minute) | Stage.Named("held") | Text;
    }

    private static string Text(Window<int> window) => $"{window.Start:HH:mm}-{window.End:HH:mm} {string.Join(',', window.Items)}";

    private async Task LiveAsync(IStreamStore store, Func<Source<int>, Source<string>> body, params int[] items)
    {
        await using Consecutor<int> consecutor = Make(store, body);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync(items, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
    }

    private Consecutor<int> Make(IStreamStore store, Func<Source<int>, Source<string>> body)
        => new("numbers", source => body(source) | ledger.Sink<string>(), new()
        {
            Store = store,
            Process = new(),
            Delivery = DeliveryGuarantee.Replay(1, Backoff.None),
            Run = new() { Time = clock },
        });
}
