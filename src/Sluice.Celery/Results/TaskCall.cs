using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Sluice.Storage;

namespace Sluice.Celery;

/// <summary>Calls of one task of a Celery application.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class TaskCall<TIn, TOut>(Broker broker, ResultBackend results, string name, CeleryTaskOptions options,
    CancellationToken life)
{
    private const string UsualQueue = "celery";
    private const int MaxTrace = 3_000;
    private const int TupleSize = 7;                 // elements beside the tuple with the rest
    private const long Beside = 1 << 20;             // state and traceback of a result

    private readonly IPayloadSerializer<TIn> writer = options.Serializers.For<TIn>();
    private readonly IPayloadSerializer<TOut> reader = options.Serializers.For<TOut>();
    private readonly CeleryRoute route = options.Route.Queue is null ? options.Route with { Queue = UsualQueue } : options.Route;

    /// <exception cref="CeleryTaskException">The task has not succeeded.</exception>
    public async Task<TOut> InvokeAsync(TIn value, CancellationToken cancellation)
    {
        TaskMessage task = TaskOf(value);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, life);
        CancellationToken end = either.Token;
        bool mayRun = false;
        try
        {
            end.ThrowIfCancellationRequested();
            TaskResult? result = await results.WaitAsync(task.Id, SendAsync, options.ResultTimeout,
                options.MaxValueBytes + Beside, end).ConfigureAwait(false);
            return Read(task, result);
        }
        catch (Exception) when (life.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new ObjectDisposedException(nameof(CeleryClient), $"The client was disposed before the task {name} ({task.Id}) had a "
                + $"result. A worker may execute it nevertheless.");
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellation);      // not the linked token
        }
        catch (Exception e) when (e is BrokerAwayException or FlowException)
        {
            throw !mayRun ? new CeleryTaskException($"The task {name} was not sent. {e.Message}", e)
                : new CeleryTaskException($"The task {name} ({task.Id}) could not be sent, or its result not read; a worker may have "
                    + $"executed it nevertheless. {e.Message}", e)
                { TaskId = task.Id };
        }
        catch (CeleryTaskException e) when (e.TaskId is null)
        {
            throw new CeleryTaskException($"The task {name} ({task.Id}): {e.Message}", e.InnerException)
            { TaskId = task.Id, State = e.State };
        }

        async Task SendAsync()
        {
            mayRun = true;
            try
            {
                await broker.SendAsync(task, route, end).ConfigureAwait(false);
            }
            catch (FlowException)                    // the broker refuses the user or the task
            {
                mayRun = false;
                throw;
            }
        }
    }

    private TOut Read(TaskMessage task, TaskResult? result)
    {
        if (result is null)
            throw new CeleryTaskException(
                $"It has had no result for {options.ResultTimeout.TotalSeconds:#,0.###} seconds (CeleryTaskOptions.ResultTimeout). It may "
                    + $"still run, or wait in the queue {route.Queue}. Or no worker reads this queue, the worker was killed, the task "
                    + "ignores its result or has another result backend, or the result has expired.");
        if (result.Length > options.MaxValueBytes)
            throw new CeleryTaskException($"Its result has {result.Length:N0} bytes, and {options.MaxValueBytes:N0} are allowed "
                + $"(CeleryTaskOptions.MaxValueBytes). Return a reference, or raise the limit.")
            { State = result.State };
        if (result.State == "SUCCESS") return Deserialize(result);
        (string? type, string message) = result.Exception();
        string what = result.State == "REVOKED" ? "was revoked" : type switch
        {
            "TimeLimitExceeded" => $"has reached its hard time limit ({message} seconds)",
            "SoftTimeLimitExceeded" => "has reached its soft time limit",
            "WorkerLostError" => $"has lost its worker: {message}",
            _ => $"has failed: {type}{(message.Length > 0 ? ": " : "")}{message}",
        };
        string trace = result.Traceback?.TrimEnd() ?? "";
        if (trace.Length > MaxTrace) trace = $"…{trace[^MaxTrace..]}";
        throw new CeleryTaskException($"The task {name} ({task.Id}) {what}{(trace.Length > 0 ? "\n" : "")}{trace}")
        {
            TaskId = task.Id,
            State = result.State,
            ExceptionType = type,
            Traceback = result.Traceback,
        };
    }

    private TOut Deserialize(TaskResult result)
    {
        try
        {
            return reader.Deserialize(PythonValues.Unwrap(result.Json));
        }
        catch (Exception e)
        {
            throw new CeleryTaskException($"Its result is no {TypeNames.Of(typeof(TOut))}: {e.Message}", e) { State = result.State };
        }
    }

    private TaskMessage TaskOf(TIn value)
    {
        var written = new ArrayBufferWriter<byte>();
        try
        {
            writer.Serialize(value, written);
            if (written.WrittenCount > options.MaxValueBytes)
                throw new CeleryTaskException($"The arguments for the task {name} have {written.WrittenCount:N0} bytes, and "
                    + $"{options.MaxValueBytes:N0} are allowed (CeleryTaskOptions.MaxValueBytes). Send a reference, or raise the limit.");
            using var json = JsonDocument.Parse(written.WrittenMemory, PythonValues.AnyDepth);
            var task = new TaskMessage(name, Guid.NewGuid().ToString());
            return options.Arguments switch
            {
                CeleryArguments.Named => json.RootElement.ValueKind == JsonValueKind.Object
                    ? task with { NamedArguments = written.WrittenSpan.ToArray() } : throw Unfit(json.RootElement, "an object"),
                CeleryArguments.Positional => task with { Arguments = ListOf(Elements(value, json.RootElement)) },
                _ => task with { Arguments = ListOf([json.RootElement]) },
            };
        }
        catch (JsonException e)
        {
            throw new CeleryTaskException($"The serializer for the arguments of the task {name} does not write JSON: {e.Message}", e);
        }
    }

    // Of other objects than tuples it is not known how many members they have: an argument after one left out would be a wrong one.
    private IEnumerable<JsonElement> Elements(TIn value, JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.Array) return json.EnumerateArray();
        if (json.ValueKind != JsonValueKind.Object || value is not ITuple tuple) throw Unfit(json, "an array or a tuple");
        List<JsonElement> elements = [.. TupleElements(json)];
        return elements.Count == tuple.Length ? elements
            : throw new CeleryTaskException($"The tuple for the task {name} has {tuple.Length} elements, and its JSON {elements.Count}: "
                + "the serializer leaves some out (JsonSerializerOptions.DefaultIgnoreCondition), so later arguments would move.");
    }

    /// <summary>The elements of a tuple. From the eighth on, C# has them in another tuple, the last member.</summary>
    private static IEnumerable<JsonElement> TupleElements(JsonElement tuple)
    {
        IEnumerable<JsonElement> members = tuple.EnumerateObject().Select(static member => member.Value);
        JsonElement rest = members.ElementAtOrDefault(TupleSize);
        return rest.ValueKind == JsonValueKind.Object ? [.. members.Take(TupleSize), .. TupleElements(rest)] : members;
    }

    private CeleryTaskException Unfit(JsonElement value, string wanted)
        => new($"The value for the task {name} is {value.ValueKind} in JSON, and for CeleryArguments.{options.Arguments} it must be "
            + $"{wanted}.");

    private static byte[] ListOf(IEnumerable<JsonElement> elements) => TaskMessage.Json(elements, static (json, all) =>
    {
        json.WriteStartArray();
        foreach (JsonElement one in all) one.WriteTo(json);
        json.WriteEndArray();
    });
}
