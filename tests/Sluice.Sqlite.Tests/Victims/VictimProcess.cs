using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Sluice.Programs;

namespace Sluice.Sqlite.Tests.Victims;

/// <summary>A process that has a store open, until it is killed. Any thread.</summary>
internal sealed class VictimProcess
{
    private readonly Process process;
    private readonly ConcurrentDictionary<long, TaskCompletionSource<JsonElement?>> calls = new();
    private readonly Task reading;
    private long lastCall;

    public VictimProcess()
    {
        process = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "Sluice.Programs"), ["store"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        reading = ReadAsync();
    }

    public async Task<JsonElement?> CallAsync(string method, params object?[] arguments)
    {
        long id = Interlocked.Increment(ref lastCall);
        var source = calls[id] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        string line = JsonSerializer.Serialize(new Call(id, method,
            [.. arguments.Select(argument => JsonSerializer.SerializeToElement(argument, Wire.Options))]), Wire.Options);
        lock (process) process.StandardInput.WriteLine(line);
        return await source.Task;
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
        await reading;
        process.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            Answer answer;
            try
            {
                answer = JsonSerializer.Deserialize<Answer>(line, Wire.Options)!;
            }
            catch (JsonException)
            {
                continue;                            // cut off by the kill
            }
            if (!calls.TryRemove(answer.Id, out TaskCompletionSource<JsonElement?>? call)) continue;
            if (answer.Failure is { } failure) call.SetException(failure.ToException());
            else call.SetResult(answer.Result);
        }
        foreach (TaskCompletionSource<JsonElement?> call in calls.Values)
            call.TrySetException(new IOException("The process that had the store open is dead."));
    }
}
