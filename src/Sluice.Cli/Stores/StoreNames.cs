using System.Text.Json;

namespace Sluice.Cli.Stores;

/// <summary>Finds and opens the store that the user named.</summary>
internal static class StoreNames
{
    private const string FileName = "sluice.json";
    private const string Sqlite = "sqlite:", Memory = "memory";
    private const string InItsProcess = "A memory store is in its own process only: sluice cannot look into it.";
    private static readonly JsonDocumentOptions Lenient = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip };

    private const string Example = """{"stores": {"orders": "sqlite:orders.db"}}""";

    private static ReadOnlySpan<byte> ByteOrderMark => [0xef, 0xbb, 0xbf];

    /// <summary>Replaces a name from <c>sluice.json</c> by the text of its store.</summary>
    public static string Resolve(string given)
    {
        if (given == Memory) throw CommandException.Usage(InItsProcess);
        // A name may have a colon, too: what is the text of a store is no name.
        if (given.Contains(':', StringComparison.Ordinal) && (StreamStores.WhyNot(given) is null || !Known().Contains(given)))
            return Checked(given);
        string? file = FindFile();
        if (file is null)
            throw CommandException.Usage($"{Shown(given)} is no store, and there is no {FileName} with names of stores here: write "
                + $"sqlite:FILE, redis:HOST:PORT or postgres:CONNECTION.{Hint(given)}");
        Dictionary<string, string> names = Read(file);
        if (!names.TryGetValue(given, out string? store))
            throw CommandException.Usage($"{Shown(given)} is not among the stores of {file}: "
                + $"{(names.Count == 0 ? "it has none" : string.Join(", ", names.Keys.Order(StringComparer.Ordinal)))}.{Hint(given)}");
        if (store == Memory) throw CommandException.Usage($"{Shown(given)} is a memory store in {file}. {InItsProcess}");
        string checkedStore = Checked(store);
        // A file is found from the directory of sluice.json, whatever the present directory is.
        return checkedStore.StartsWith(Sqlite, StringComparison.Ordinal)
            ? Sqlite + Path.Combine(Path.GetDirectoryName(file)!, checkedStore[Sqlite.Length..])
            : checkedStore;
    }

    /// <summary>The names in <c>sluice.json</c>, for completion; none if it cannot be read.</summary>
    public static IEnumerable<string> Known()
    {
        try
        {
            return FindFile() is { } file ? Read(file).Keys.Order(StringComparer.Ordinal) : [];
        }
        // A command that uses a name says what is wrong. The current directory may have been deleted.
        catch (Exception failure) when (failure is CommandException or IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>The file of a SQLite store; null for another store.</summary>
    public static string? FileOf(string store)
        => store.StartsWith(Sqlite, StringComparison.Ordinal) ? store[Sqlite.Length..] : null;

    public static bool IsRedis(string store) => store.StartsWith("redis:", StringComparison.Ordinal);

    public static async ValueTask<IStreamStore> OpenAsync(string store, Func<string, CancellationToken, ValueTask<IStreamStore>> open,
        CancellationToken cancellation)
    {
        try
        {
            return await open(store, cancellation).ConfigureAwait(false);
        }
        catch (ArgumentException wrong)
        {
            throw Mistake(wrong);
        }
    }

    /// <summary>Does something with a path that a user has given.</summary>
    /// <exception cref="CommandException">It is no path.</exception>
    public static async ValueTask WithPathAsync(Func<ValueTask> work)
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (ArgumentException wrong)
        {
            throw Mistake(wrong);
        }
    }

    private static CommandException Mistake(ArgumentException wrong)
    {
        int end = wrong.Message.IndexOf(" (Parameter", StringComparison.Ordinal);
        return CommandException.Usage(end < 0 ? wrong.Message : wrong.Message[..end]);
    }

    private static string Checked(string store)
        => StreamStores.WhyNot(store) is { } problem ? throw CommandException.Usage(problem) : store;

    /// <summary>Shows a word of the command line, but no connection string: it may have a password.</summary>
    public static string Shown(string given) => given.AsSpan().ContainsAny("=,@") ? "This text" : $"'{given}'";

    private static string Hint(string given) => File.Exists(given) ? $" Do you mean sqlite:{given}?" : "";

    private static string? FindFile()
    {
        for (var folder = new DirectoryInfo(Directory.GetCurrentDirectory()); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, FileName) is var file && File.Exists(file)) return file;
        return null;
    }

    private static Dictionary<string, string> Read(string file)
    {
        try
        {
            ReadOnlyMemory<byte> bytes = File.ReadAllBytes(file);
            if (bytes.Span.StartsWith(ByteOrderMark)) bytes = bytes[ByteOrderMark.Length..];
            using JsonDocument document = JsonDocument.Parse(bytes, Lenient);
            if (document.RootElement.ValueKind == JsonValueKind.Object && Only(document.RootElement, "stores", file) is { } all
                && all.ValueKind == JsonValueKind.Object && all.EnumerateObject().All(one => one.Value.ValueKind == JsonValueKind.String))
                return Names(all, file);
        }
        catch (JsonException wrong)
        {
            throw CommandException.Usage($"{file} is no JSON: line {wrong.LineNumber + 1} cannot be read.");
        }
        catch (InvalidOperationException)            // a text that is no Unicode; where it is, the exception does not say
        {
            throw CommandException.Usage($"{file} is no JSON: a text in it is not in UTF-8, or has half of a surrogate pair.");
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            throw CommandException.Usage($"{file} cannot be read: {failed.Message}");
        }
        throw CommandException.Usage($"{file} has another form: it is like {Example}.");
    }

    private static JsonElement? Only(JsonElement root, string name, string file)
    {
        JsonElement[] found = [.. root.EnumerateObject().Where(one => one.NameEquals(name)).Select(static one => one.Value)];
        return found.Length > 1 ? throw CommandException.Usage($"{file} has \"{name}\" {found.Length} times: write it once.")
            : found.Length == 1 ? found[0] : null;
    }

    // Which of two stores was meant is unknown: a change in the wrong one cannot be taken back.
    private static Dictionary<string, string> Names(JsonElement stores, string file)
    {
        Dictionary<string, string> names = new(StringComparer.Ordinal);
        foreach (JsonProperty one in stores.EnumerateObject())
            if (!names.TryAdd(one.Name, one.Value.GetString()!))
                throw CommandException.Usage($"{file} names the store '{one.Name}' twice: rename or remove one of them.");
        return names;
    }
}
