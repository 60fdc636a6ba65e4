using System.ComponentModel;
using System.Diagnostics;

namespace Sluice;

/// <summary>A copy of this program, or another one, that was started as a worker.</summary>
internal sealed class WorkerProcess : IDisposable
{
    private const ConfigureAwaitOptions Quietly = ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;

    private readonly Process process;

    private WorkerProcess(Process process) => (this.process, Exiting) = (process, process.WaitForExitAsync(CancellationToken.None));

    /// <summary>Ends when the process has.</summary>
    public Task Exiting { get; }

    public int Id => process.Id;

    /// <summary>What it writes as errors, if that is wanted.</summary>
    public StreamReader Errors => process.StandardError;

    /// <param name="program">The file that is started, or the <c>.dll</c> that <c>dotnet</c> is given; null for this program.</param>
    /// <param name="arguments">What it is given.</param>
    /// <param name="variable">In which variable of the environment it finds the invitation.</param>
    /// <param name="invitation">By what it finds back.</param>
    /// <param name="keepsErrors">Whether what it writes as errors comes here.</param>
    /// <exception cref="WorkerException">It cannot be started.</exception>
    public static WorkerProcess Start(string? program, IEnumerable<string> arguments, string variable, WorkerToken invitation, bool keepsErrors = false)
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

    /// <summary>Ends when the process has: by itself within some time, or it is killed.</summary>
    public async Task EndAsync(TimeSpan patience)
    {
        if (patience > TimeSpan.Zero) await Exiting.WaitAsync(patience, TimeProvider.System).ConfigureAwait(Quietly);
        if (!Exiting.IsCompleted) Kill();
        await Exiting.ConfigureAwait(Quietly);
    }

    /// <summary>Without its own children, which are its own.</summary>
    public void Kill()
    {
        try
        {
            process.Kill();
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            // gone already
        }
    }

    /// <summary>When it has ended: how.</summary>
    public string HowItEnded() => process.ExitCode switch
    {
        128 + 6 => "exit code 134 (SIGABRT: an exception that nobody has caught, or Environment.FailFast)",
        128 + 9 => "exit code 137 (SIGKILL: killed, perhaps because memory ran out)",
        128 + 11 => "exit code 139 (SIGSEGV)",
        128 + 15 => "exit code 143 (SIGTERM)",
        int code => $"exit code {code}",
    };

    public void Dispose() => process.Dispose();

    private static bool IsDotnet(string path) => Path.GetFileNameWithoutExtension(path).Equals("dotnet", StringComparison.OrdinalIgnoreCase);
}
