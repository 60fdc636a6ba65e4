using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.FlowTorture;

/// <summary>A service as a program of its own: hosts its processors until its input ends, or it is killed. What it warns of goes to its
/// standard error.</summary>
internal static class ServiceLife
{
    /// <summary>What it says when it hosts.</summary>
    public const string Ready = "ready";

    public static async Task RunAsync(ServiceOptions options)
    {
        await using IStreamStore store = await Server.OpenAsync(options.Server, options.Prefix, options.Patience);
        await using var supervisor = Supervisor.Attach(store, new()
        {
            Name = options.Name,
            LeaseDuration = options.LeaseTime,
            MaxStarts = int.MaxValue,
            Time = options.Skew == TimeSpan.Zero ? TimeProvider.System : new SkewedClock(options.Skew),
            OnWarning = Console.Error.WriteLine,
        });
        CrashFlow.Register(supervisor, name => options.Hosts.Contains(name), options.CarriesOver);
        Console.Out.WriteLine(Ready);
        while (await Console.In.ReadLineAsync() is not null) { }
    }

    private sealed class SkewedClock(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }
}
