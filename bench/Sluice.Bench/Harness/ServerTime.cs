using System.Globalization;

namespace Sluice.Bench;

/// <summary>The processor time of a server that has several processes, from <c>/proc</c>; it counts in steps of 10 ms.</summary>
internal static class ServerTime
{
    private const double TickNanoseconds = 1e7;

    /// <summary>The nanoseconds that a process and its children have used until now, also those that have ended.</summary>
    public static double OfTree(int root)
    {
        double ticks = 0;
        foreach (string folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out int id)) continue;
            if (Read(folder) is not { } fields) continue;
            // Behind the name: state, parent, …; user and system time, then those of children that have ended, from the twelfth on.
            bool isRoot = id == root;
            if (!isRoot && Number(fields[1]) != root) continue;
            ticks += Number(fields[11]) + Number(fields[12]);
            if (isRoot) ticks += Number(fields[13]) + Number(fields[14]);
        }
        return ticks * TickNanoseconds;
    }

    private static string[]? Read(string folder)
    {
        try
        {
            string text = File.ReadAllText(Path.Combine(folder, "stat"));
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;                             // it has ended
        }
    }

    private static double Number(string field) => double.Parse(field, CultureInfo.InvariantCulture);
}
