using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Samples;
using Sluice.Celery;
using Sluice.Flows;
using Sluice.Hosting;

namespace Words.Extractors;

/// <summary>Celery: a <c>redis-server</c> and two workers, which this program starts and ends.</summary>
internal sealed class CeleryExtractor : Extractor
{
    private const int Workers = 2;
    private static readonly string[] Interpreters = ["python3", "/usr/bin/python3"];

    private readonly string directory = Directory.CreateTempSubdirectory("words-celery-").FullName;
    private readonly List<OwnedProcess> workers = [];
    private readonly int port = FreePort();
    private OwnedProcess? redis;
    private string python = "";
    private int names;

    private string Broker => $"redis://127.0.0.1:{port}/0";

    public override async Task StartAsync(CancellationToken cancellation)
    {
        if (!Runs("redis-server", "--version"))
            throw new UserMistake("--executor celery needs redis-server: apt-get install redis-server.");
        python = Array.Find(Interpreters, static one => Runs(one, "-c", "import celery, redis"))
            ?? throw new UserMistake("--executor celery needs Celery for python3: apt-get install celery python3-redis.");
        redis = await OwnedProcess.StartAsync(directory, new Dictionary<string, string>(), "Ready to accept connections", ["redis-server",
            "--bind", "127.0.0.1", "--port", $"{port}", "--dir", directory, "--save", ""], cancellation);
        while (workers.Count < Workers) workers.Add(await StartWorkerAsync(cancellation));
    }

    public override void AddTo(SluiceBuilder sluice) => sluice.AddProcessor(WordFlow.Extract, Executor.Celery(Broker));

    /// <summary>Kills the process of a worker that executes tasks, which Celery replaces; or a worker with all its processes, and starts
    /// another one.</summary>
    public override async Task<bool> KillAsync(Random random, CancellationToken cancellation)
    {
        int at = random.Next(workers.Count);
        if (random.Next(2) == 0)
        {
            int[] children = [.. Processes.ChildrenOf(workers[at].Id, "celery")];
            return children.Length > 0 && Processes.Kill(children[random.Next(children.Length)]);
        }
        workers[at].Dispose();
        workers[at] = await StartWorkerAsync(cancellation);
        return true;
    }

    public override ValueTask DisposeAsync()
    {
        workers.ForEach(static one => one.Dispose());
        redis?.Dispose();
        Directory.Delete(directory, recursive: true);
        return base.DisposeAsync();
    }

    private Task<OwnedProcess> StartWorkerAsync(CancellationToken cancellation) => OwnedProcess.StartAsync(PythonDirectory,
        new Dictionary<string, string>
        {
            ["WORDS_BROKER"] = Broker,
            ["PYTHONPATH"] = PythonDirectory,
            ["C_FORCE_ROOT"] = "1",
        }, " ready.", [python, "-m", "celery", "-A", "words_celery", "worker", "-Q", "sluice", "-c", "1", "-l", "INFO", "--without-gossip",
            "--without-mingle", "--without-heartbeat", "-n", $"words{++names}@localhost"], cancellation);

    private static bool Runs(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true
            })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;                            // there is none
        }
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
