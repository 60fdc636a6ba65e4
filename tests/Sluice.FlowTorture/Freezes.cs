namespace Sluice.FlowTorture;

/// <summary>The server stands still now and then, for a millisecond to two seconds, and goes on; or what else its kind does.</summary>
internal static class Freezes
{
    public static async Task RunAsync(Server server, Dice dice, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(200 + dice.Below(server.MaxPauseMs)), cancellation);
            await server.PauseAsync();
            await Task.Delay(1 << dice.Below(12), CancellationToken.None);
            await server.ResumeAsync();
        }
    }
}
