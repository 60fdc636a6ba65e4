using System.Diagnostics;

namespace Sluice.ChildProcesses;

/// <summary>A process that this process has started: a copy of this program, or another one.</summary>
internal sealed class ChildProcess : IDisposable
{
    private const ConfigureAwaitOptions Quietly = ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;

    // EAGAIN, ENOMEM, ENFILE, EMFILE, ENOSPC, ENOBUFS, EDQUOT
    private const int NoProcesses = 11, NoMemory = 12, NoFilesOnMachine = 23, NoFiles = 24, NoRoom = 28, NoBuffers = 105, NoQuota = 122;

    private readonly Process process;
    private readonly ChildErrors? errors;

    private ChildProcess(Process process, int keptErrors)
    {
        (this.process, Exiting) = (process, process.WaitForExitAsync(CancellationToken.None));
        if (keptErrors > 0) errors = new(process.StandardError, keptErrors);
    }

    /// <summary>Completes when the process has ended.</summary>
    public Task Exiting { get; }

    /// <param name="program">The program, and how it is started.</param>
    /// <param name="token">The token, by which the child connects.</param>
    /// <exception cref="WorkerException">The process cannot be started.</exception>
    public static ChildProcess Start(ChildProgram program, ChildToken token)
    {
        string? host = Environment.ProcessPath;
        string path = program.Path ?? (host is not null && IsDotnet(host) ? Environment.GetCommandLineArgs()[0] : host!);
        var start = new ProcessStartInfo
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardError = program.KeptErrors > 0
        };
        foreach (var (name, value) in program.Environment) start.Environment[name] = value;
        start.Environment[program.Variable] = token.Text;
        start.Environment[ProtocolVersion.Variable] = ProtocolVersion.Newest.ToString(CultureInfo.InvariantCulture);
        if (path.EndsWith(".dll", StringComparison.OrdinalIgnoreCase))
        {
            start.FileName = host is not null && IsDotnet(host) ? host : "dotnet";
            start.ArgumentList.Add(path);
        }
        else start.FileName = path;
        foreach (string argument in program.Arguments) start.ArgumentList.Add(argument);
        try
        {
            Process process = Process.Start(start)!;
            process.StandardInput.Dispose();
            return new(process, program.KeptErrors);
        }
        catch (Win32Exception e)
        {
            throw new WorkerException($"The worker process {path} cannot be started: {e.Message}", e);
        }
    }

    /// <summary>Whether a start has failed because the machine was short of processes, memory, files or room: the next one may
    /// succeed.</summary>
    public static bool MayPass(WorkerException failure) => failure.InnerException is { } cause && MayPass(cause);

    /// <inheritdoc cref="MayPass(WorkerException)"/>
    public static bool MayPass(Exception cause) => !OperatingSystem.IsWindows() && cause switch
    {
        Win32Exception { NativeErrorCode: NoProcesses or NoMemory or NoFilesOnMachine or NoFiles or NoBuffers } => true,  // sockets, too
        IOException { HResult: NoRoom or NoQuota or NoFilesOnMachine or NoFiles } => true,
        _ => false,
    };

    /// <summary>Waits until the process has ended; kills it after some time.</summary>
    public async Task EndAsync(TimeSpan timeout)
    {
        if (timeout > TimeSpan.Zero) await Exiting.WaitAsync(timeout, TimeProvider.System).ConfigureAwait(Quietly);
        if (!Exiting.IsCompleted) Kill();
        await Exiting.ConfigureAwait(Quietly);
    }

    /// <summary>Kills the process, but not the processes that it has started.</summary>
    public void Kill()
    {
        try
        {
            process.Kill();
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            // It has ended already.
        }
    }

    /// <summary>Describes the exit code. Call it after the end of the process.</summary>
    public string HowItEnded() => process.ExitCode switch
    {
        128 + 6 => "exit code 134 (SIGABRT: an uncaught exception, or Environment.FailFast)",
        128 + 9 => "exit code 137 (SIGKILL: killed, perhaps because memory ran out)",
        128 + 11 => "exit code 139 (SIGSEGV)",
        128 + 15 => "exit code 143 (SIGTERM)",
        int code => $"exit code {code}",
    };

    /// <summary>The last lines of its standard error as a sentence; empty if none are kept. Call it after the end of the process.</summary>
    public async Task<string> LastErrorsAsync()
        => errors is null ? "" : await errors.EndAsync().ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext);

    public void Dispose() => process.Dispose();

    private static bool IsDotnet(string path) => Path.GetFileNameWithoutExtension(path)
        .Equals("dotnet", StringComparison.OrdinalIgnoreCase);
}
