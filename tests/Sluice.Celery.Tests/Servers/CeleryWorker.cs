namespace Sluice.Celery.Tests;

/// <summary>A Celery worker of Debian's packages, with the application of <c>Python/celery_app.py</c>.</summary>
internal sealed class CeleryWorker(OwnedProcess process, string broker, string name) : IAsyncDisposable
{
    private const string Python = "/usr/bin/python3";

    private static int names;

    /// <summary>The folder of this repository that has the package <c>sluice</c>.</summary>
    public static string Package { get; } = Path.Combine(Root(), "clients", "python");

    private static string Modules { get; } = Path.Combine(AppContext.BaseDirectory, "Python");

    public OwnedProcess Process => process;

    /// <summary>The name of the node.</summary>
    public string Name => name;

    /// <summary>Starts a worker, and waits until it is ready.</summary>
    /// <param name="broker">The broker.</param>
    /// <param name="queue">The queues that it reads.</param>
    /// <param name="environment">Further variables, for the application.</param>
    /// <param name="arguments">Further arguments of <c>celery worker</c>.</param>
    public static async Task<CeleryWorker> StartAsync(string broker, string queue = "sluice",
        IReadOnlyDictionary<string, string>? environment = null, params string[] arguments)
    {
        string name = $"worker{Interlocked.Increment(ref names)}@test";
        OwnedProcess process = await OwnedProcess.StartAsync(Modules, EnvironmentOf(broker, environment), [Python, "-m", "celery", "-A",
            "celery_app", "worker", "-Q", queue, "-c", "2", "-O", "fair", "-l", "INFO", "--without-gossip", "--without-mingle",
            "--without-heartbeat", "-n", name, .. arguments]);
        await process.SaysAsync(" ready.");
        return new(process, broker, name);
    }

    /// <summary>Runs the command <c>celery</c>, and returns what it writes.</summary>
    public async Task<string> CommandAsync(params string[] arguments)
    {
        await using OwnedProcess command = await OwnedProcess.StartAsync(Modules, EnvironmentOf(broker, null),
            [Python, "-m", "celery", "-A", "celery_app", .. arguments, "--json"]);
        await Assert.ThrowsAsync<InvalidOperationException>(() => command.SaysAsync("\0"));      // until its end
        return command.Output;
    }

    /// <summary>The processes of the worker's pool.</summary>
    public IReadOnlyList<int> Pool() => [.. ChildrenOf(process.Id)];

    public ValueTask DisposeAsync() => process.DisposeAsync();

    private static IEnumerable<int> ChildrenOf(int parent)
    {
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), out int id)) continue;
            string stat;
            try
            {
                stat = File.ReadAllText(Path.Combine(directory, "stat"));
            }
            catch (IOException)
            {
                continue;                            // ended meanwhile
            }
            if (stat[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1] == $"{parent}") yield return id;
        }
    }

    private static Dictionary<string, string> EnvironmentOf(string broker, IReadOnlyDictionary<string, string>? more)
    {
        var all = new Dictionary<string, string>(more ?? new Dictionary<string, string>())
        {
            ["BROKER"] = broker,
            ["PYTHONPATH"] = Package,
            ["PYTHONDONTWRITEBYTECODE"] = "1",
            ["PYTHONUNBUFFERED"] = "1",
            ["C_FORCE_ROOT"] = "1",
        };
        return all;
    }

    private static string Root()
    {
        DirectoryInfo at = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at.FullName, "Sluice.slnx"))) at = at.Parent!;
        return at.FullName;
    }
}
