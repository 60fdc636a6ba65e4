using System.Collections.Concurrent;
using System.Globalization;

namespace Sluice;

/// <summary>
/// One start of a member in this process. Two starts never have the same id, wherever they are. On Linux the id says which process on which machine it is, so that other processes of that machine
/// know at once when it has ended.
/// </summary>
/// <remarks>Thread-safe without a lock: the table of living instances is concurrent.</remarks>
internal sealed class MemberInstance
{
    private const char Divider = '/';

    // The machine since it was booted, and the space in which process ids are counted: two containers have two. Empty if that is not known.
    private static readonly string Machine = FindMachine();
    private static readonly string Unique = Guid.NewGuid().ToString("N");
    private static readonly string Process = string.Create(CultureInfo.InvariantCulture,
        $"{Machine}{Divider}{Environment.ProcessId}{Divider}{StartOf(Environment.ProcessId)}{Divider}{Unique}{Divider}");

    private static readonly ConcurrentDictionary<string, MemberInstance> Living = new(StringComparer.Ordinal);
    private static long starts;

    private volatile bool hasEnded;                  // written before the instance is taken out of the table

    /// <summary>The default name of members: unique for each process, and readable for people.</summary>
    public static string DefaultMember { get; } = NameOfProcess(Unique);

    public string Id { get; } = string.Create(CultureInfo.InvariantCulture, $"{Process}{Interlocked.Increment(ref starts)}");

    /// <summary>The instance sends heartbeats from now on; not if it has ended: a loop that has not noticed the end yet may still begin it.</summary>
    public void Begin()
    {
        Living.TryAdd(Id, this);
        if (hasEnded) Living.TryRemove(Id, out _);
    }

    /// <summary>The instance sends no heartbeat any more. Final.</summary>
    public void End()
    {
        hasEnded = true;
        Living.TryRemove(Id, out _);
    }

    /// <returns>Whether an instance is at work; null if this process cannot know.</returns>
    public static bool? IsAlive(string id)
        => Living.ContainsKey(id) ? true : id.StartsWith(Process, StringComparison.Ordinal) || HasProcessEnded(id) ? false : null;

    /// <summary>Whether an instance was one of another process on this machine that has ended.</summary>
    public static bool HasProcessEnded(string id)
    {
        if (Machine.Length == 0 || !id.StartsWith(Machine, StringComparison.Ordinal) || id.StartsWith(Process, StringComparison.Ordinal)) return false;
        string[] parts = id.Split(Divider);
        return parts.Length == 5 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int process)
            && parts[2].Length > 0 && StartOf(process) != parts[2];
    }

    /// <summary>A name made of machine, process and the beginning of some unique text.</summary>
    public static string NameOfProcess(string unique)
    {
        string machine = Environment.MachineName;
        return string.Create(CultureInfo.InvariantCulture, $"{(machine.Length <= 60 ? machine : machine[..60])}-{Environment.ProcessId}-{unique[..6]}");
    }

    private static string FindMachine()
    {
        if (!OperatingSystem.IsLinux()) return "";
        try
        {
            string boot = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
            return new FileInfo("/proc/self/ns/pid").LinkTarget is { } space && StartOf(Environment.ProcessId).Length > 0 ? $"{boot}.{space}" : "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    // When a process was started, in ticks since the machine was booted: ids are used again, with another start. Empty if there is no such process, or nothing is known of any.
    private static string StartOf(int process)
    {
        if (!OperatingSystem.IsLinux()) return "";
        try
        {
            string stat = File.ReadAllText($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');          // the program's name before it may have spaces
            return fields[0] is "Z" or "X" ? "" : fields[19];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
