using System.Diagnostics;

namespace Sluice.Torture;

/// <summary>
/// A process that is stopped for longer than its lease, and goes on: it has lost its partitions, and does not know it yet.
/// </summary>
internal static class StoppedProcess
{
    // The shorter times are longer than a lease, the longer ones than the server waits for a process in the middle of a transaction.
    private const int ShortestMs = 3500, LongestMs = 6500;

    /// <summary>Stops it at a random moment, and returns when it goes on.</summary>
    public static async Task StopAsync(int process, Dice dice, CancellationToken cancellation)
    {
        await Task.Delay(dice.Below(1 << dice.Below(10)), cancellation);
        Signal(process, "STOP");
        try
        {
            await Task.Delay(dice.Between(ShortestMs, LongestMs), cancellation);
        }
        finally
        {
            Signal(process, "CONT");
        }
    }

    // Fails if the process has ended meanwhile, which its exit code says.
    private static void Signal(int process, string name)
    {
        using Process kill = Process.Start(new ProcessStartInfo("kill", [$"-{name}", $"{process}"]) { RedirectStandardError = true })!;
        kill.StandardError.ReadToEnd();
        kill.WaitForExit();
    }
}
