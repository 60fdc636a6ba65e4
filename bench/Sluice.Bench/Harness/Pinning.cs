using System.Diagnostics;
using System.Globalization;

namespace Sluice.Bench;

/// <summary>Restricts the process to some of the machine's cores.</summary>
internal static class Pinning
{
    /// <summary>Runs this program again on the first <paramref name="cores"/> cores and returns its exit code.</summary>
    /// <remarks>
    /// Pinning the running process would be too late: the runtime has already counted the cores for its pool, its collector and its spin
    /// loops, and on Linux only the calling thread would move. A child inherits the affinity of the thread that starts it, and counts those
    /// cores.
    /// </remarks>
    public static int RunOn(int cores, string[] args)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsWindows())
        {
            Console.Error.WriteLine("--cores needs Linux or Windows: this system cannot pin a process");
            return 2;
        }

        using (var self = Process.GetCurrentProcess()) self.ProcessorAffinity = Lowest(cores, self.ProcessorAffinity);
        var start = new ProcessStartInfo(Environment.ProcessPath!) { UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet") start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        foreach (var argument in args) start.ArgumentList.Add(argument);

        // The child sees only its cores, so it does not come here again; the variable (in hexadecimal) makes sure.
        start.Environment["DOTNET_PROCESSOR_COUNT"] = cores.ToString("X", CultureInfo.InvariantCulture);

        // On one core the runtime waits ten times as long before it recompiles, and so would the warm-up.
        start.Environment["DOTNET_TC_DelaySingleProcMultiplier"] = "1";
        using var child = Process.Start(start)!;
        child.WaitForExit();
        return child.ExitCode;
    }

    // Of the cores that this process may use; in a container these need not be the machine's first.
    private static nint Lowest(int cores, nint allowed)
    {
        nint chosen = 0;
        for (; cores > 0; cores--)
        {
            var lowest = allowed & -allowed;
            chosen |= lowest;
            allowed ^= lowest;
        }

        return chosen;
    }
}
