using Sluice.Progress.Looks;
using Sluice.Progress.Screen;

namespace Sluice.Progress;

/// <summary>A progress display (<see cref="ProgressExtensions"/>). It ends with what it shows, or when it is disposed.</summary>
/// <remarks>Thread-safe.</remarks>
public sealed class ProgressDisplay : IAsyncDisposable
{
    // The last look at a run whose store does not answer must not hold up its program.
    private static readonly TimeSpan LastLookTimeout = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource stop = new();
    private readonly ProgressOptions options;
    private readonly IProgressSource source;
    private readonly ProgressBoard? board;
    private readonly ProgressRates rates;
    private readonly Task following = Task.CompletedTask;

    private ProgressDisplay(IProgressSource source, ProgressOptions options, ProgressBoard? board)
    {
        (this.source, this.options, this.board) = (source, options, board);
        rates = new(options.Time, options.MaxRows);
        if (board is not null) following = FollowAsync(board);
    }

    /// <summary>Whether there is a terminal that shows it.</summary>
    public bool IsShown => board is not null;

    /// <summary>Shows the last state, and ends the display. Never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync().ConfigureAwait(false);
        await following.ConfigureAwait(false);
    }

    internal static ProgressDisplay Start(IProgressSource source, ProgressOptions options)
        => new(source, options, ProgressBoard.Of(options.Console));

    // Never throws: a display that cannot go on says so, and ends.
    private async Task FollowAsync(ProgressBoard board)
    {
        TimeSpan interval = options.RefreshInterval > source.MinInterval ? options.RefreshInterval : source.MinInterval;
        RatedLook? last = null;
        board.Begin(this);
        try
        {
            while (!stop.IsCancellationRequested)
            {
                last = rates.Add(await source.LookAsync(stop.Token).ConfigureAwait(false));
                if (last.Look.IsOver) break;
                board.Update(this, Picture(last));
                await Task.Delay(interval, options.Time, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // It was disposed while it looked.
        }
        catch (Exception failed)
        {
            last = WithProblem(last, $"The display ends, because it cannot read the state: {failed.Message}");
            board.End(this, Picture(last));
            return;
        }
        board.End(this, Picture(last is { Look.IsOver: true } ? last : await LookOnceMoreAsync(last).ConfigureAwait(false)));
    }

    private async Task<RatedLook> LookOnceMoreAsync(RatedLook? last)
    {
        using var timeout = new CancellationTokenSource(LastLookTimeout, TimeProvider.System);
        try
        {
            return rates.Add(await source.LookAsync(timeout.Token).ConfigureAwait(false));
        }
        catch (Exception failed)
        {
            return WithProblem(last, $"The last state cannot be read: {failed.Message}");
        }
    }

    private RatedLook WithProblem(RatedLook? last, string problem)
    {
        last ??= rates.Add(new(options.Title ?? "progress", "unknown", 0, null, "items", TimeSpan.Zero));
        return last with { Look = last.Look with { Problem = problem } };
    }

    private static Func<int, IReadOnlyList<BoardLine>> Picture(RatedLook look) => width => LookDrawing.Draw(look, width);
}
