using Sluice;
using Sluice.Graphs;
using Sluice.Testing;

namespace Originals;

/// <summary>Runs calls of steps on a clock that jumps from one timer to the next, so that the seconds of an example take no time.</summary>
internal sealed class VirtualTime
{
    private readonly TestClock clock = new();
    private readonly SeededScheduler scheduler = new(seed: 1);
    private readonly List<(double At, string Text)> log = [];

    /// <summary>The seconds since the start.</summary>
    public double Now => clock.GetTimestamp() / (double)TimeSpan.TicksPerSecond;

    /// <summary>What was printed, each line with its second. Lines of one instant are in alphabetical order.</summary>
    public IEnumerable<string> Lines => log.OrderBy(line => line.At).ThenBy(line => line.Text, StringComparer.Ordinal)
        .Select(line => $"{line.At:0.0} {line.Text}");

    public Task Sleep(double seconds) => Task.Delay(TimeSpan.FromSeconds(seconds), clock);

    public void Print(string text) => log.Add((Now, text));

    /// <summary>Runs the work in a scope, and waits for every call that was made in it.</summary>
    public Task RunAsync(Func<Task> work) => scheduler.RunToEndAsync(async () =>
    {
        await using StepScope scope = StepScope.Begin(options: new StepScopeOptions { Time = clock, Scheduler = scheduler });
        await work();
        await scope.Completion;
    }, clock);
}
