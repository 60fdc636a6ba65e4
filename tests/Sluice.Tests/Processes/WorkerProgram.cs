using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Sluice.Tests.Processes;

/// <summary>The program that tests start as a worker or child process, and kill.</summary>
internal static class WorkerProgram
{
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "Sluice.Programs.dll");

    public static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true };
        start.ArgumentList.Add(Path);
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    /// <summary>The workers of this process. Other tests of this class do not run at the same time.</summary>
    public static IEnumerable<int> Children(string argument = "--sluice-worker")
    {
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(System.IO.Path.GetFileName(directory), out int pid) || ParentOf(pid) != Environment.ProcessId) continue;
            if (CommandOf(pid).Contains(argument, StringComparison.Ordinal)) yield return pid;
        }
    }

    public static bool Kill(int pid)
    {
        try
        {
            using Process process = Process.GetProcessById(pid);
            process.Kill();
            return true;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or Win32Exception)
        {
            return false;
        }
    }

    private static int ParentOf(int pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return -1;
        }
    }

    private static string CommandOf(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline");
        }
        catch (IOException)
        {
            return "";
        }
    }
}
