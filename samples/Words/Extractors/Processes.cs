using System.Diagnostics;
using System.Globalization;

namespace Words.Extractors;

/// <summary>The processes of this machine, as far as this sample kills them. It reads <c>/proc</c>, so there are none on other systems than
/// Linux.</summary>
internal static class Processes
{
    /// <summary>The children of a process whose command line has a text.</summary>
    public static IEnumerable<int> ChildrenOf(int parent, string text)
    {
        if (!Directory.Exists("/proc")) yield break;
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out int id)) continue;
            if (Read(directory, "stat") is not { } stat || Read(directory, "cmdline") is not { } command) continue;
            // The name stands in parentheses and may have spaces: behind it come the state and the id of the parent.
            string[] fields = stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields[1] == $"{parent}" && command.Contains(text, StringComparison.Ordinal)) yield return id;
        }
    }

    /// <summary>Kills a process by SIGKILL, and not its children.</summary>
    /// <returns>False if it is gone.</returns>
    public static bool Kill(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            process.Kill();
            return true;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }

    // A process may end meanwhile.
    private static string? Read(string directory, string file)
    {
        try
        {
            return File.ReadAllText(Path.Combine(directory, file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
