using System.ComponentModel;
using System.Diagnostics;

namespace Sluice;

/// <summary>Keeps one worker process going: starts it, serves it, and starts the next when it has ended.</summary>
internal sealed class WorkerSlot<TIn, TOut>(WorkerPool<TIn, TOut> pool)
{
    private const ConfigureAwaitOptions Quietly = ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;

    private ProcessOptions Options => pool.Definition.Options;

    /// <summary>Until no worker is needed any more. Throws nothing.</summary>
    public async Task RunAsync()
    {
        try
        {
            while (!pool.Life.IsCancellationRequested)
            {
                await RunOneAsync();
                await pool.PauseAsync();
            }
        }
        catch (Exception e)
        {
            pool.Fail(e);
        }
    }

    private async Task RunOneAsync()
    {
        Invitation invitation = pool.Door.Invite(out Task<WorkerArrival> arriving);
        using Process process = Start(invitation);
        Task exiting = process.WaitForExitAsync(CancellationToken.None);
        try
        {
            await ServeAsync(process, exiting, arriving);
        }
        finally
        {
            pool.Door.Withdraw(invitation);
            await EndAsync(process, exiting, atOnce: true);
        }
    }

    private async Task ServeAsync(Process process, Task exiting, Task<WorkerArrival> arriving)
    {
        Task either = Task.WhenAny(arriving, exiting);
        await either.WaitAsync(Options.StartTime, TimeProvider.System, pool.Life).ConfigureAwait(Quietly);
        if (!arriving.IsCompletedSuccessfully)
        {
            bool wasSlow = !exiting.IsCompleted;
            await EndAsync(process, exiting, atOnce: true);
            if (!pool.Life.IsCancellationRequested) pool.FailedToStart(wasSlow ? $"nothing: it had not connected after {Options.StartTime}, and was killed" : HowItEnded(process));
            return;
        }
        WorkerArrival arrival = await arriving;
        using var connection = new WorkerConnection<TIn, TOut>(pool, arrival, process);
        if (!Fits(arrival)) return;
        pool.Join(connection);
        string? lastWords = await connection.RunAsync();
        await EndAsync(process, exiting, atOnce: false);         // it ends by itself when its connection does
        pool.Leave(connection, lastWords is null ? HowItEnded(process) : $"{HowItEnded(process)}: {lastWords}");
    }

    /// <summary>What a body takes and gives is what the stage does; it has said so, where it knows.</summary>
    private bool Fits(WorkerArrival arrival)
    {
        string input = TypeNames.Of(typeof(TIn)), output = TypeNames.Of(typeof(TOut));
        if (arrival.Input.Length == 0 || (arrival.Input == input && arrival.Output == output)) return true;
        pool.Fail(new WorkerException($"The body '{pool.Definition.Body}' makes {arrival.Output} of {arrival.Input}, and the stage wants {output} of {input}."));
        return false;
    }

    private Process Start(Invitation invitation)
    {
        string? host = Environment.ProcessPath;
        string program = Options.Program ?? (host is not null && IsDotnet(host) ? Environment.GetCommandLineArgs()[0] : host!);
        var start = new ProcessStartInfo { UseShellExecute = false, RedirectStandardInput = true };
        start.Environment[Invitation.Variable] = invitation.Text;
        if (program.EndsWith(".dll", StringComparison.OrdinalIgnoreCase))
        {
            start.FileName = host is not null && IsDotnet(host) ? host : "dotnet";
            start.ArgumentList.Add(program);
        }
        else start.FileName = program;
        start.ArgumentList.Add(Invitation.Argument);
        start.ArgumentList.Add(pool.Definition.Body);
        foreach (string argument in Options.Arguments) start.ArgumentList.Add(argument);
        try
        {
            Process process = Process.Start(start)!;
            process.StandardInput.Dispose();
            return process;
        }
        catch (Win32Exception e)
        {
            throw new WorkerException($"The worker process {program} cannot be started: {e.Message}", e);
        }
    }

    private static bool IsDotnet(string path) => Path.GetFileNameWithoutExtension(path).Equals("dotnet", StringComparison.OrdinalIgnoreCase);

    private async Task EndAsync(Process process, Task exiting, bool atOnce)
    {
        if (!atOnce) await exiting.WaitAsync(Options.StopTime, TimeProvider.System).ConfigureAwait(Quietly);
        if (!exiting.IsCompleted) Kill(process);
        await exiting.ConfigureAwait(Quietly);
    }

    /// <summary>Without its own children, which are its own.</summary>
    public static void Kill(Process process)
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

    private static string HowItEnded(Process process) => process.ExitCode switch
    {
        128 + 6 => "exit code 134 (SIGABRT: an exception that nobody has caught, or Environment.FailFast)",
        128 + 9 => "exit code 137 (SIGKILL: killed, perhaps because memory ran out)",
        128 + 11 => "exit code 139 (SIGSEGV)",
        128 + 15 => "exit code 143 (SIGTERM)",
        int code => $"exit code {code}",
    };
}
