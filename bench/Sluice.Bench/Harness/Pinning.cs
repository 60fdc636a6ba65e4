using System.Diagnostics;
using System.Globalization;

namespace Sluice.Bench;

/// <summary>Restricts the process to some of the machine's cores.</summary>
internal static class Pinning
{
    /// <summary>
    /// Runs this program again on the first <paramref name="cores"/> cores and gives its exit code. Pinning the running process would come too late:
    /// the runtime has already counted the cores for its pool, its collector and its spin loops, and on Linux only the calling thread
    /// would be moved. A child inherits the affinity of the thread that starts it, and counts what it finds.
    /// </summary>
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

        // The child sees as many cores as it was given, so it does not come here again; saying so (in hexadecimal) makes that certain.
        start.Environment["DOTNET_PROCESSOR_COUNT"] = cores.ToString("X", CultureInfo.InvariantCulture);

        // On a single core the runtime waits ten times as long before it recompiles, and a warm-up would have to wait with it.
        start.Environment["DOTNET_TC_DelaySingleProcMultiplier"] = "1";
        using var child = Process.Start(start)!;
        child.WaitForExit();
        return child.ExitCode;
    }

    // Of the cores this process may use, which in a container need not be the machine's first.
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
