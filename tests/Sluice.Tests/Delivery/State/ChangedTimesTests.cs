using Sluice.Storage;

namespace Sluice.Tests.Delivery;

/// <summary>Code that gives its chunks and windows a time, or takes it away, over state of code that had none, or had one.</summary>
public class ChangedTimesTests : ChangedCodeTests
{
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

    /// <remarks>Formerly the first item that came late was another pane 0: a sink that replaces what it has by pane 0 lost the
    /// window.</remarks>
    [Fact]
    public async Task AWindowThatHasComeOutBeforeLatenessIsGivenHasFurtherPanes()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await LiveAsync(store, Panes(TimeSpan.Zero), 1, 2, 25);
        Assert.Equal(["0: 1,2"], ledger.Lines);
        await LiveAsync(store, Panes(60 * Minute), 3);
        await EndAsync(store, Panes(60 * Minute), 26, 4, 11);
        Assert.Equal(["0: 1,2", "0: 11", "0: 25,26", "1: 3", "2: 4"], ledger.Lines.Order(StringComparer.Ordinal));

        static Func<Source<int>, Source<string>> Panes(TimeSpan lateness)
        {
            var time = new EventTime<int>(static n => DateTimeOffset.UnixEpoch.AddMinutes(n)) { AllowedLateness = lateness };
            return source => source.Window(time, 10 * Minute) | Stage.Named("held")
                | (static window => $"{window.Pane}: {string.Join(',', window.Items)}");
        }
    }

    /// <remarks>
    /// Formerly all kept windows were removed in one commit, which was too large: each further item became a dead letter.
    /// </remarks>
    [Fact]
    public async Task ThousandsOfKeptWindowsLeaveWhenTheirLatenessIsTakenAway()
    {
        await using IStreamStore store = await ScenarioStore.OpenAsync(clock);
        await LiveAsync(store, Kept(3000 * Minute), [.. Enumerable.Range(0, 2500)]);
        Assert.True(await HeadsAsync(store) > 2000, "too few windows are kept to exceed a commit");
        await EndAsync(store, Kept(TimeSpan.Zero), 2500);
        Assert.Equal(2501, ledger.Lines.Distinct().Count());
        Assert.Equal(0, await HeadsAsync(store));

        static Func<Source<int>, Source<string>> Kept(TimeSpan lateness)
        {
            var time = new EventTime<int>(static n => DateTimeOffset.UnixEpoch.AddMinutes(n)) { AllowedLateness = lateness };
            return source => source.Window(time, Minute) | Stage.Named("held") | Text;
        }

        static async Task<int> HeadsAsync(IStreamStore store)
        {
            int heads = 0;
            for (string? after = null; ;)
            {
                IReadOnlyList<StateRow> page = await store.ListStateAsync(new("numbers", "numbers"), 0, "held", after,
                    cancellation: Cancellation);
                if (page.Count == 0) return heads;
                heads += page.Count(static row => row.Key.EndsWith("/head", StringComparison.Ordinal));
                after = page[^1].Key;
            }
        }
    }

    private static Func<Source<int>, Source<string>> Chunks(TimeSpan? within) => Chunks(100, within);

    private static Func<Source<int>, Source<string>> Windows(TimeSpan? idle)
    {
        var time = new EventTime<int>(static n => DateTimeOffset.UnixEpoch.AddMinutes(n)) { IdleTimeout = idle };
        return source => source.Window(time, 10 * Minute) | Stage.Named("held") | Text;
    }
}
