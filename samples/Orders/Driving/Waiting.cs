using System.Diagnostics;

namespace Orders.Driving;

/// <summary>Waits as long as a number changes, and all services live.</summary>
internal sealed class Waiting(IReadOnlyList<ShopProcess> services, TimeSpan patience)
{
    private static readonly TimeSpan Beat = TimeSpan.FromMilliseconds(200);

    /// <summary>Waits for a condition.</summary>
    /// <param name="condition">Looks whether it holds.</param>
    /// <param name="progress">The number, asked after the condition.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="TimeoutException">The number has not changed for the patience.</exception>
    /// <exception cref="ServiceEndedException">A service has ended by itself.</exception>
    public async Task UntilAsync(Func<Task<bool>> condition, Func<long> progress, CancellationToken stop)
    {
        var since = Stopwatch.StartNew();
        for (long? before = null; !await condition();)
        {
            foreach (ShopProcess service in services) service.CheckAlive();
            long now = progress();
            if (now != before) (before, since) = (now, Stopwatch.StartNew());
            if (since.Elapsed > patience) throw new TimeoutException($"Nothing went on for {patience.TotalSeconds:0} seconds.");
            await Task.Delay(Beat, stop);
        }
    }
}
