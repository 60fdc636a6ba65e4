using System.Diagnostics;

namespace Sluice.Tests;

/// <summary>
/// The patience of a test that lets time pass, round by round, until code on other threads has done something. The first rounds follow each
/// other at once. If a thread of that code has no processor meanwhile, the rounds behind them leave it one, for a minute.
/// </summary>
/// <param name="first">The number of first rounds: more than a machine with free processors needs.</param>
internal sealed class Rounds(int first)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private int begun;
    private long since;                              // the timestamp at which the first rounds were over

    /// <summary>Begins a round.</summary>
    /// <returns>Whether the patience lasts: false means that the test has failed.</returns>
    public async ValueTask<bool> GoOnAsync()
    {
        if (begun < first)
        {
            begun++;
            return true;
        }
        if (since == 0) since = Stopwatch.GetTimestamp();
        await Task.Delay(1, TestContext.Current.CancellationToken);
        return Stopwatch.GetElapsedTime(since) < Patience;
    }
}
