using Sluice.Graphs;
using Sluice.Testing;

namespace Sluice.Tests.Graphs;

/// <summary>Runs steps in virtual time, one at a time, in an order that a seed decides.</summary>
internal sealed class StepLab(int seed)
{
    // What runs in the pool may be late.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    public TestClock Clock { get; } = new();

    public SeededScheduler Scheduler { get; } = new(seed);

    public StepScopeOptions Options => new() { Time = Clock, Scheduler = Scheduler };

    /// <summary>The seconds since the beginning.</summary>
    public double Now => Clock.GetTimestamp() / (double)TimeSpan.TicksPerSecond;

    public Task DelayAsync(double seconds, CancellationToken cancellation = default)
        => Task.Delay(TimeSpan.FromSeconds(seconds), Clock, cancellation);

    /// <summary>Cancels synchronously: all callbacks run on the thread of the test.</summary>
    public static void Cancel(CancellationTokenSource stop) => stop.Cancel();

    /// <summary>Runs work in a scope, to the end.</summary>
    public Task RunAsync(Func<StepScope, Task> work, int? maxConcurrency = null, StepScopeOptions? options = null,
        CancellationToken cancellation = default)
        => Scheduler.RunToEndAsync(async () =>
        {
            await using StepScope scope = StepScope.Begin(maxConcurrency, cancellation, options ?? Options);
            await work(scope);
        }, Clock, Patience);

    /// <summary>Runs a test once with each seed.</summary>
    public static async Task WithSeedsAsync(int count, Func<StepLab, Task> test)
    {
        for (int seed = 0; seed < count; seed++) await test(new(seed));
    }
}
