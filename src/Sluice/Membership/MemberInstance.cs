using System.Collections.Concurrent;

namespace Sluice.Membership;

/// <summary>
/// One start of a member in this process, with an id that is unique everywhere. On Linux the id contains the process and the machine, so
/// that other processes of the machine see its end at once.
/// </summary>
/// <remarks>Locking rule: no lock; the table of living instances is concurrent. Any thread may call.</remarks>
internal sealed class MemberInstance
{
    private const char Divider = '/';
    private const int NoSuchProcess = 3;             // ESRCH: it ended between the opening and the reading

    // The boot of the machine and the namespace of process ids (each container has its own). Empty if unknown.
    private static readonly string Machine = FindMachine();
    private static readonly string Unique = Guid.NewGuid().ToString("N");
    private static readonly string Process = string.Create(CultureInfo.InvariantCulture,
        $"{Machine}{Divider}{Environment.ProcessId}{Divider}{StartOf(Environment.ProcessId, File.ReadAllText)}{Divider}{Unique}{Divider}");

    private static readonly ConcurrentDictionary<string, MemberInstance> Living = new(StringComparer.Ordinal);
    private static long starts;

    private volatile bool hasEnded;                  // written before the instance leaves the table

    /// <summary>The default name of a member: unique for each process, and readable.</summary>
    public static string DefaultMember { get; } = NameOfProcess(Unique);

    public string Id { get; } = string.Create(CultureInfo.InvariantCulture, $"{Process}{Interlocked.Increment(ref starts)}");

    /// <summary>Marks the instance as alive. Does nothing after its end, which a heartbeat loop may notice late.</summary>
    public void Begin()
    {
        Living.TryAdd(Id, this);
        if (hasEnded) Living.TryRemove(Id, out _);
    }

    /// <summary>Marks the end of the instance. Final.</summary>
    public void End()
    {
        hasEnded = true;
        Living.TryRemove(Id, out _);
    }

    /// <returns>Whether an instance is alive; null if this process cannot know.</returns>
    public static bool? IsAlive(string id)
        => Living.ContainsKey(id) ? true : IsOfThisProcess(id) || HasProcessEnded(id) ? false : null;

    /// <summary>Whether an instance belongs to this process, alive or not.</summary>
    public static bool IsOfThisProcess(string id) => id.StartsWith(Process, StringComparison.Ordinal);

    /// <summary>Whether an instance belonged to another process of this machine that has ended. False if this process cannot
    /// know.</summary>
    public static bool HasProcessEnded(string id) => HasProcessEnded(id, File.ReadAllText);

    /// <summary>The same, with another way to read a file of <c>/proc</c>.</summary>
    public static bool HasProcessEnded(string id, Func<string, string> read)
    {
        if (Machine.Length == 0 || !id.StartsWith(Machine, StringComparison.Ordinal) || IsOfThisProcess(id))
            return false;
        string[] parts = id.Split(Divider);
        return parts.Length == 5 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int process)
            && parts[2].Length > 0 && StartOf(process, read) is { } start && start != parts[2];
    }

    /// <summary>Builds a name from machine, process and the first six characters of a unique text.</summary>
    public static string NameOfProcess(string unique)
    {
        string machine = Environment.MachineName;
        return string.Create(CultureInfo.InvariantCulture,
            $"{(machine.Length <= 60 ? machine : machine[..60])}-{Environment.ProcessId}-{unique[..6]}");
    }

    private static string FindMachine()
    {
        if (!OperatingSystem.IsLinux()) return "";
        try
        {
            string boot = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
            // Processes of other users may be hidden (hidepid): then nothing is known of any other one.
            return new FileInfo("/proc/self/ns/pid").LinkTarget is { } space
                && StartOf(Environment.ProcessId, File.ReadAllText) is { Length: > 0 }
                && StartOf(1, File.ReadAllText) is { Length: > 0 }
                ? $"{boot}.{space}" : "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    // The start of a process in ticks since boot: it distinguishes reused process ids. Empty if the process does not exist. Null if it
    // cannot be known: a process that is out of file descriptors or memory reads nothing, and must not take living members for dead.
    private static string? StartOf(int process, Func<string, string> read)
    {
        if (!OperatingSystem.IsLinux()) return null;
        try
        {
            string stat = read($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');          // the program name may contain spaces
            return fields[0] is "Z" or "X" ? "" : fields[19];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or IOException { HResult: NoSuchProcess })
        {
            return "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
