using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Sluice.PostgreSql.Tests;

/// <summary>
/// A PostgreSQL server for tests, on a free port of localhost, with its own data directory. It also ends if this process is killed: a shell
/// beside it kills it when the input of the shell is closed. PostgreSQL refuses to run as root, so it runs as the user that Debian's
/// package has made for it.
/// </summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    private const string Shell = """
        exec 3<&0
        "$@" & server=$!
        echo "pid $server"
        { cat <&3; kill -9 $server; } >/dev/null 2>&1 & watch=$!
        wait $server
        kill $watch
        """;

    private const string DataFolder = "data";

    private static readonly string Programs = Directory.GetDirectories("/usr/lib/postgresql").OrderDescending().First() + "/bin";

    private static readonly Lazy<Task<string>> Template = new(MakeTemplateAsync);

    private readonly string directory = Directory.CreateTempSubdirectory("sluice-pg-").FullName;
    private readonly string[] settings;
    private readonly Lazy<NpgsqlDataSource> asking;
    private Process? shell;

    private PostgresServer(string[] settings)
    {
        this.settings = settings;
        asking = new(() => NpgsqlDataSource.Create(Admin + ";Timeout=60;Command Timeout=120"));
    }

    public int Port { get; private init; } = FreePort.Next();

    /// <summary>Where everything of the server is.</summary>
    public string Place => directory;

    /// <summary>Whether the server has ended by itself.</summary>
    public bool HasEnded => shell is { HasExited: true };

    /// <summary>The process id of the postmaster.</summary>
    public int Id { get; private set; }

    /// <summary>The connection string of the user <c>sluice</c>, who owns the database <c>sluice</c>.</summary>
    public string Address => $"Host=127.0.0.1;Port={Port};Database=sluice;Username=sluice;Password=secret";

    /// <summary>The connection string of the superuser.</summary>
    public string Admin => $"Host=127.0.0.1;Port={Port};Database=sluice;Username=postgres;Password=secret";

    /// <summary>Makes a database cluster and starts its server, with <c>fsync</c> off unless the settings say otherwise.</summary>
    public static Task<PostgresServer> StartAsync(params string[] settings) => StartAsync(static _ => { }, settings);

    /// <summary>Does the same in a directory that a function prepares.</summary>
    public static async Task<PostgresServer> StartAsync(Action<string> prepare, params string[] settings)
    {
        string template = await Template.Value;
        var server = new PostgresServer(settings);
        prepare(server.directory);
        await RunAsync("cp", "-a", template, server.directory);
        await RunAsync("chown", "postgres", server.directory);
        await server.StartAgainAsync();
        return server;
    }

    /// <summary>Starts a server with a system identifier of its own: the clusters of all others are copies of one cluster.</summary>
    public static async Task<PostgresServer> StartOtherAsync(params string[] settings)
    {
        var server = new PostgresServer(settings);
        await MakeClusterAsync(server.directory);
        await server.StartAgainAsync();
        return server;
    }

    // initdb takes ten times as long as a copy.
    private static async Task<string> MakeTemplateAsync()
    {
        string place = Directory.CreateTempSubdirectory("sluice-pg-template-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(place, recursive: true);
        await MakeClusterAsync(place);
        return Path.Combine(place, DataFolder);
    }

    /// <summary>Makes a database cluster with the user and the database <c>sluice</c>.</summary>
    private static async Task MakeClusterAsync(string place)
    {
        string data = Path.Combine(place, DataFolder), password = Path.Combine(place, "password"), sql = Path.Combine(place, "sql");
        await File.WriteAllTextAsync(password, "secret\n");
        await File.WriteAllTextAsync(sql, "CREATE USER sluice PASSWORD 'secret'\nCREATE DATABASE sluice OWNER sluice\n");
        await RunAsync("chown", "-R", "postgres", place);
        await RunAsync([.. AsPostgres, $"{Programs}/initdb", "-D", data, "-U", "postgres", "--auth=scram-sha-256", "-E", "UTF8",
            "--locale=C", "--no-sync", $"--pwfile={password}"]);
        await RunAsync([.. AsPostgres, "sh", "-c", "exec \"$0\" --single -F -D \"$1\" postgres < \"$2\"", $"{Programs}/postgres", data,
            sql]);
    }

    /// <summary>Starts a standby of this server, over a copy of its data.</summary>
    /// <param name="of">The settings.</param>
    /// <param name="port">The port; null for a free one.</param>
    public async Task<PostgresServer> StartStandbyAsync(string[] of, int? port = null)
    {
        var standby = new PostgresServer(of) { Port = port ?? FreePort.Next() };
        await RunAsync("chown", "-R", "postgres", standby.directory);
        await RunAsync([.. AsPostgres, "env", "PGPASSWORD=secret", $"{Programs}/pg_basebackup", "-h", "127.0.0.1", "-p", $"{Port}", "-U",
            "postgres", "-D", standby.Data, "-R", "-X", "stream", "-c", "fast", "--no-sync"]);
        await standby.StartAgainAsync();
        return standby;
    }

    /// <summary>Lets only the server's user read a file.</summary>
    public static void KeepSecret(string file)
    {
        Run("chmod", "600");
        if (AsPostgres.Length > 0) Run("chown", "postgres");

        void Run(string program, string argument)
        {
            using Process one = Process.Start(program, [argument, file]);
            one.WaitForExit();
        }
    }

    public static string[] AsPostgres => Environment.UserName == "root" ? ["setpriv", "--reuid=postgres", "--regid=postgres",
        "--clear-groups", "--"] : [];

    /// <summary>The log of the server, from its start on.</summary>
    public string Log => Path.Combine(directory, "log");

    private async Task KeepAsync(Stream said)
    {
        await using var log = new FileStream(Log, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        await said.CopyToAsync(log);
    }

    private string Data => Path.Combine(directory, DataFolder);

    /// <summary>Starts the server again over its data, and waits until it accepts connections.</summary>
    public async Task StartAgainAsync()
    {
        var start = new ProcessStartInfo("sh")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = directory
        };
        foreach (string argument in (string[])["-c", Shell, "sh", .. AsPostgres, $"{Programs}/postgres", "-D", Data, "-p", $"{Port}", "-k",
            directory, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "shared_buffers=32MB", "-c", "max_connections=200",
            // Shared memory as files of its directory: a server that is killed would leave it behind in /dev/shm.
            "-c", "dynamic_shared_memory_type=mmap", "-c", "jit=off", "-c", "full_page_writes=off", "-c", "wal_level=minimal",
            "-c", "max_wal_senders=0",
            .. settings.SelectMany(setting => (string[])["-c", setting])])
            start.ArgumentList.Add(argument);
        Process started = Process.Start(start)!;
        string pid = (await started.StandardOutput.ReadLineAsync())!;
        Id = int.Parse(pid.AsSpan(4), CultureInfo.InvariantCulture);
        shell = started;
        _ = started.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
        var said = new List<string>();
        while (await started.StandardError.ReadLineAsync() is { } line)
        {
            said.Add(line);
            if (!line.Contains("database system is ready to accept", StringComparison.Ordinal)) continue;
            _ = KeepAsync(started.StandardError.BaseStream);
            return;
        }
        throw new InvalidOperationException($"postgres did not start:\n{string.Join('\n', said)}");
    }

    /// <summary>Kills the postmaster, as <c>kill -9</c> does, and waits until its backends have noticed.</summary>
    public async Task KillAsync()
    {
        if (shell is not { } running) return;
        shell = null;
        Forget();
        int[] backends = Children(Id);
        if (!running.HasExited) using (Process server = Process.GetProcessById(Id)) server.Kill();
        await running.WaitForExitAsync();
        foreach (int backend in backends) await WaitForExitAsync(backend);
        running.StandardInput.Close();                   // the shell that watched the server has nothing to kill any more
        running.Dispose();
        File.Delete(Path.Combine(Data, "postmaster.pid"));
    }

    /// <summary>Stops the server in order, without waiting for its clients.</summary>
    public async Task StopAsync()
    {
        if (shell is not { } running) return;
        shell = null;
        Forget();
        await SignalAsync("INT");
        await running.WaitForExitAsync();
        running.StandardInput.Close();
        running.Dispose();
    }

    /// <summary>Starts a stopped server as a standby, which copies nobody until <c>pg_promote</c> makes it a primary.</summary>
    public async Task StartAsStandbyAsync()
    {
        await File.WriteAllTextAsync(Path.Combine(Data, "standby.signal"), "");
        await StartAgainAsync();
    }

    /// <summary>Freezes the postmaster and its backends: they accept connections but do not answer.</summary>
    public async Task PauseAsync()
    {
        await SignalAsync("STOP");
        foreach (int backend in Children(Id)) await RunAsync("kill", "-STOP", $"{backend}");
    }

    /// <summary>Lets a frozen server continue.</summary>
    public async Task ResumeAsync()
    {
        foreach (int backend in Children(Id)) await RunAsync("kill", "-CONT", $"{backend}");
        await SignalAsync("CONT");
    }

    /// <summary>Executes a statement as the superuser, and returns the first value.</summary>
    public async Task<object?> AskAsync(string text)
    {
        await using NpgsqlCommand command = asking.Value.CreateCommand(text);
        command.CommandTimeout = 180;                // seconds: statements of tests wait for what others do
        return await command.ExecuteScalarAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        if (asking.IsValueCreated) await asking.Value.DisposeAsync();
        try
        {
            Directory.Delete(directory, recursive: true);
        }
        catch (IOException)
        {
            // A backend may outlive the postmaster for a moment and still write.
        }
    }

    // The connections of a server that ends are of no use to the next one.
    private void Forget()
    {
        if (asking.IsValueCreated) asking.Value.Clear();
    }

    private Task SignalAsync(string name) => RunAsync("kill", $"-{name}", $"{Id}");

    private static int[] Children(int parent)
    {
        string list = $"/proc/{parent}/task/{parent}/children";
        return File.Exists(list) ? [.. File.ReadAllText(list).Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(id => int.Parse(id, CultureInfo.InvariantCulture))] : [];
    }

    private static async Task WaitForExitAsync(int id)
    {
        try
        {
            using Process process = Process.GetProcessById(id);
            await process.WaitForExitAsync();
        }
        catch (ArgumentException)
        {
            // it has ended
        }
    }

    public static async Task RunAsync(params string[] command)
    {
        using Process process = Process.Start(new ProcessStartInfo(command[0], command.Skip(1))
        { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string[] said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{string.Join(' ', command)}: {string.Concat(said)}");
    }
}
