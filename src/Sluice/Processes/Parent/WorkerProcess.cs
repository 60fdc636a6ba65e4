using System.ComponentModel;
using System.Diagnostics;

namespace Sluice.Processes;

/// <summary>A process that was started as a worker: a copy of this program, or another one.</summary>
internal sealed class WorkerProcess : IDisposable
{
    private const ConfigureAwaitOptions Quietly = ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;

    private readonly Process process;

    private WorkerProcess(Process process) => (this.process, Exiting) = (process, process.WaitForExitAsync(CancellationToken.None));

    /// <summary>Completes when the process has ended.</summary>
    public Task Exiting { get; }

    public int Id => process.Id;

    /// <summary>Its standard error, if redirected.</summary>
    public StreamReader Errors => process.StandardError;

    /// <param name="program">The program to start, or a <c>.dll</c> for <c>dotnet</c>; null for this program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="variable">The environment variable for the token.</param>
    /// <param name="invitation">The token, by which it connects.</param>
    /// <param name="keepsErrors">Whether its standard error is redirected to <see cref="Errors"/>.</param>
    /// <exception cref="WorkerException">The process cannot be started.</exception>
    public static WorkerProcess Start(string? program, IEnumerable<string> arguments, string variable, WorkerToken invitation,
        bool keepsErrors = false)
    {
        string? host = Environment.ProcessPath;
        program ??= host is not null && IsDotnet(host) ? Environment.GetCommandLineArgs()[0] : host!;
        var start = new ProcessStartInfo { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardError = keepsErrors };
        start.Environment[variable] = invitation.Text;
        if (program.EndsWith(".dll", StringComparison.OrdinalIgnoreCase))
        {
            start.FileName = host is not null && IsDotnet(host) ? host : "dotnet";
            start.ArgumentList.Add(program);
        }
        else start.FileName = program;
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        try
        {
            Process process = Process.Start(start)!;
            process.StandardInput.Dispose();
            return new(process);
        }
        catch (Win32Exception e)
        {
            throw new WorkerException($"The worker process {program} cannot be started: {e.Message}", e);
        }
    }

    /// <summary>Waits until the process has ended; kills it after some time.</summary>
    public async Task EndAsync(TimeSpan patience)
    {
        if (patience > TimeSpan.Zero) await Exiting.WaitAsync(patience, TimeProvider.System).ConfigureAwait(Quietly);
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

    public void Dispose() => process.Dispose();

    private static bool IsDotnet(string path) => Path.GetFileNameWithoutExtension(path)
        .Equals("dotnet", StringComparison.OrdinalIgnoreCase);
}
