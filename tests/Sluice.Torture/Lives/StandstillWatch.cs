namespace Sluice.Torture;

/// <summary>
/// Gives up a life whose journal has not grown for so long, or that takes longer than any should: how fast it is depends on the machine,
/// that it goes on does not.
/// What is measured is the time in which this process runs: held up together with the life, it is patient.
/// </summary>
internal sealed class StandstillWatch : IDisposable
{
    public static readonly TimeSpan LongestLife = TimeSpan.FromMinutes(3);

    // A process that has not begun to write may be slow to start.
    private static readonly TimeSpan LongestStart = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Step = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource over = new();
    private readonly PeriodicTimer timer = new(Step);

    public StandstillWatch(string journal, TimeSpan longestStandstill) => _ = WatchAsync(new FileInfo(journal), longestStandstill);

    public CancellationToken Token => over.Token;

    public void Dispose() => timer.Dispose();

    private async Task WatchAsync(FileInfo journal, TimeSpan longestStandstill)
    {
        long length = 0;
        TimeSpan age = TimeSpan.Zero, still = TimeSpan.Zero;
        while (await timer.WaitForNextTickAsync())
        {
            journal.Refresh();
            long now = journal.Exists ? journal.Length : 0;
            (still, length) = (now == length ? still + Step : TimeSpan.Zero, now);
            age += Step;
            if (still < (now == 0 ? LongestStart : longestStandstill) && age < LongestLife) continue;
            await over.CancelAsync();
            return;
        }
    }
}
