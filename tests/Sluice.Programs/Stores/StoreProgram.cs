using System.Reflection;
using System.Text.Json;
using Sluice.Sqlite;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Programs;

/// <summary>A process that has a store open. It reads calls from standard input, one line each, and answers each when it is done. Its test
/// kills it.</summary>
internal sealed class StoreProgram
{
    private readonly Lock gate = new();              // one answer at a time
    private SqliteStreamStore? store;
    private TestClock clock = new();

    public static async Task<int> RunAsync(string[] args)
    {
        if (args is ["lock", var locked])
        {
            FileLock.Hold(locked);
            return 0;
        }
        if (args is ["query", var shop, var into])
        {
            await QueryCopy.RunAsync(shop, into);
            return 0;
        }

        var program = new StoreProgram();
        while (await Console.In.ReadLineAsync() is { } line)
        {
            Call call = JsonSerializer.Deserialize<Call>(line, Wire.Options)!;
            _ = program.AnswerAsync(call);
        }
        if (program.store is not null) await program.store.DisposeAsync();
        return 0;
    }

    private async Task AnswerAsync(Call call)
    {
        await Task.Yield();
        Answer answer;
        try
        {
            answer = new(call.Id, JsonSerializer.SerializeToElement(await RunAsync(call), Wire.Options), null);
        }
        catch (Exception failure)
        {
            answer = new(call.Id, null, Failure.Of(failure));
        }
        string text = JsonSerializer.Serialize(answer, Wire.Options);
        lock (gate)
        {
            Console.Out.WriteLine(text);
            Console.Out.Flush();
        }
    }

    private async Task<object?> RunAsync(Call call)
    {
        switch (call.Method)
        {
            case "open":
                clock = new(call.Arguments[2].Deserialize<DateTimeOffset>(Wire.Options));
                Durability durability = call.Arguments[1].GetBoolean() ? Durability.Power : Durability.Process;
                store = await SqliteStreamStore.OpenAsync(call.Arguments[0].GetString()!, durability, new() { Time = clock });
                return null;
            case "advance":
                clock.Advance(call.Arguments[0].Deserialize<TimeSpan>(Wire.Options));
                return null;
            case "close":
                await store!.DisposeAsync();
                return null;
            default:
                return await InvokeAsync(call);
        }
    }

    private async Task<object?> InvokeAsync(Call call)
    {
        MethodInfo method = typeof(IStreamStore).GetMethod(call.Method)!;
        object?[] arguments = [.. method.GetParameters().Select((parameter, i) => parameter.ParameterType == typeof(CancellationToken)
            ? CancellationToken.None
            : call.Arguments[i].Deserialize(parameter.ParameterType, Wire.Options))];
        object? result = method.Invoke(store, BindingFlags.DoNotWrapExceptions, null, arguments, null);
        if (result is ValueTask plain)
        {
            await plain;
            return null;
        }
        if (result!.GetType() is not { IsGenericType: true } type) return result;
        var task = (Task)type.GetMethod("AsTask")!.Invoke(result, null)!;
        await task;
        return task.GetType().GetProperty("Result")!.GetValue(task);
    }
}
