using System.Buffers;
using System.Text.Json;

namespace Sluice.Celery;

/// <summary>A task in Celery's message protocol 2, with JSON as its content.</summary>
/// <param name="Name">The name of the task.</param>
/// <param name="Id">The id of the task.</param>
internal sealed record TaskMessage(string Name, string Id)
{
    private static readonly string Origin = $"{Environment.ProcessId}@{Environment.MachineName}";

    /// <summary>The positional arguments, as a JSON list.</summary>
    public byte[] Arguments { get; init; } = "[]"u8.ToArray();

    /// <summary>The arguments by name, as a JSON object.</summary>
    public byte[] NamedArguments { get; init; } = "{}"u8.ToArray();

    /// <summary>A further header: a name that Celery does not know, and a text. <c>celery inspect</c> does not show it.</summary>
    public (string Name, string Text)? Header { get; init; }

    /// <summary>The name under which Celery's logs and <c>celery inspect</c> show the task; null for the task's own.</summary>
    public string? Shadow { get; init; }

    /// <summary>When workers drop the task instead of executing it; null for never.</summary>
    public DateTimeOffset? Expires { get; init; }

    /// <summary>Whether nobody wants the result.</summary>
    public bool IgnoresResult { get; init; }

    /// <summary>The content: arguments, named arguments, and what follows the task, which is nothing.</summary>
    public byte[] ToBody() => Json(this, static (json, task) =>
    {
        json.WriteStartArray();
        json.WriteRawValue(task.Arguments, skipInputValidation: true);         // it was read, and may have 65 levels in its list
        json.WriteRawValue(task.NamedArguments, skipInputValidation: true);
        json.WriteStartObject();
        foreach (string none in (string[])["callbacks", "errbacks", "chain", "chord"]) json.WriteNull(none);
        json.WriteEndObject();
        json.WriteEndArray();
    });

    /// <summary>The headers; values are texts, numbers, booleans, lists of numbers or null.</summary>
    public IEnumerable<(string Name, object? Value)> Headers(CeleryRoute route)
    {
        yield return ("lang", "py");
        yield return ("task", Name);
        yield return ("id", Id);
        yield return ("root_id", Id);
        yield return ("parent_id", null);
        yield return ("group", null);
        yield return ("shadow", Shadow);
        yield return ("eta", null);
        yield return ("expires", Expires?.ToString("yyyy-MM-ddTHH:mm:sszzz", CultureInfo.InvariantCulture));
        yield return ("retries", 0);
        yield return ("timelimit", new List<object?> { Seconds(route.TimeLimit), Seconds(route.SoftTimeLimit) });
        yield return ("argsrepr", ShortOf(Arguments));
        yield return ("kwargsrepr", ShortOf(NamedArguments));
        yield return ("origin", Origin);
        yield return ("ignore_result", IgnoresResult);
        if (Header is var (name, text)) yield return (name, text);
    }

    /// <summary>The whole message as kombu keeps it in a list of Redis.</summary>
    /// <param name="route">The route, with a queue.</param>
    /// <param name="priority">The priority as kombu counts it on Redis: 0 is the most urgent.</param>
    public byte[] ToRedis(CeleryRoute route, int priority) => Json((Task: this, route, priority), static (json, all) =>
    {
        json.WriteStartObject();
        json.WriteBase64String("body", all.Task.ToBody());
        json.WriteString("content-encoding", "utf-8");
        json.WriteString("content-type", "application/json");
        json.WriteStartObject("headers");
        foreach ((string name, object? value) in all.Task.Headers(all.route))
        {
            json.WritePropertyName(name);
            Write(json, value);
        }
        json.WriteEndObject();
        json.WriteStartObject("properties");
        json.WriteString("correlation_id", all.Task.Id);
        json.WriteNumber("delivery_mode", 2);
        json.WriteStartObject("delivery_info");
        json.WriteString("exchange", "");            // the queue of that name, without bindings
        json.WriteString("routing_key", all.route.Queue);
        json.WriteEndObject();
        json.WriteNumber("priority", all.priority);
        json.WriteString("body_encoding", "base64");
        json.WriteString("delivery_tag", Guid.NewGuid().ToString());
        json.WriteEndObject();
        json.WriteEndObject();
    });

    private static void Write(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null: json.WriteNullValue(); break;
            case string text: json.WriteStringValue(text); break;
            case bool flag: json.WriteBooleanValue(flag); break;
            case List<object?> list:
                json.WriteStartArray();
                foreach (object? one in list) Write(json, one);
                json.WriteEndArray();
                break;
            default: json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture)); break;
        }
    }

    /// <summary>Writes JSON into an array of its own.</summary>
    public static byte[] Json<TState>(TState state, Action<Utf8JsonWriter, TState> write)
    {
        var to = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(to)) write(json, state);
        return to.WrittenSpan.ToArray();
    }

    private static int? Seconds(TimeSpan? limit) => limit is { } time ? (int)Math.Ceiling(time.TotalSeconds) : null;

    // For Celery's logs and events, which would otherwise have all of a large argument.
    private static string ShortOf(byte[] json) => json.Length <= 1000 ? Encoding.UTF8.GetString(json) : $"({json.Length:N0} bytes)";
}
