using System.Reflection;
using System.Text.Json;
using Sluice;
using Sluice.Sqlite;
using Sluice.Sqlite.Victim;
using Sluice.Testing;

if (args is ["lock", var locked])
{
    FileLock.Hold(locked);
    return;
}
if (args is ["query", var shop, var into])
{
    await QueryCopy.RunAsync(shop, into);
    return;
}

// Reads calls from standard input, one line each, and answers each as soon as it is done. Whoever started it kills it.
SqliteStreamStore? store = null;
TestClock clock = new();
var gate = new Lock();
while (await Console.In.ReadLineAsync() is { } line)
{
    Call call = JsonSerializer.Deserialize<Call>(line, Wire.Options)!;
    _ = AnswerAsync(call);
}
if (store is not null) await store.DisposeAsync();

async Task AnswerAsync(Call call)
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

async Task<object?> RunAsync(Call call)
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

async Task<object?> InvokeAsync(Call call)
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
