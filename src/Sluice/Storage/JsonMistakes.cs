using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;

namespace Sluice.Storage;

/// <summary>Rewrites JSON errors for the sender of a payload, who does not know the types of this program.</summary>
internal static partial class JsonMistakes
{
    private const int MaxNames = 20, MaxName = 100;

    /// <param name="mistake">The parser's error.</param>
    /// <param name="type">The type to be read.</param>
    /// <returns>The same error, for the same place.</returns>
    public static JsonException InPlainWords(JsonException mistake, JsonTypeInfo type)
    {
        string message = mistake.Message;
        string text = Plain(message, mistake.Path, type) ?? message;
        if (mistake.Path is { } path && !ReferenceEquals(text, message))
            text += FormattableString.Invariant(
                $" Path: {path} | LineNumber: {mistake.LineNumber} | BytePositionInLine: {mistake.BytePositionInLine}.");
        return new(text, mistake.Path, mistake.LineNumber, mistake.BytePositionInLine, mistake);
    }

    /// <summary>A writer's message, with the begin of its path: the path of a cycle names the same member 64 times.</summary>
    public static string WithShortPath(string message)
    {
        const string Path = " Path: ";
        int path = message.LastIndexOf(Path, StringComparison.Ordinal) + Path.Length;
        return path < Path.Length ? message : message[..path] + Short(message[path..]);
    }

    /// <summary>The parser's message for a missing required member.</summary>
    public static string Missing(Type type, string member)
        => $"JSON deserialization for type '{type}' was missing required properties including: '{member}'.";

    private static string? Plain(string message, string? path, JsonTypeInfo type)
    {
        if (message.StartsWith("The input does not contain any JSON tokens", StringComparison.Ordinal)) return "There is no JSON value.";
        if (Converted().IsMatch(message))
            return JsonTypes.Expected(JsonTypes.At(type, path)) is { } expected
                ? $"The value is not of the type that belongs there: expected {expected}."
                : "The value is not of the type that belongs there.";
        if (Required().Match(message) is { Success: true } required)
        {
            JsonTypeInfo? at = JsonTypes.At(type, path);
            IEnumerable<string> missing = Quoted().Matches(required.Groups[1].Value).Select(name => Described(at, name.Groups[1].Value));
            return $"Members are missing: {string.Join(", ", missing)}.";
        }
        if (Null().Match(message) is { Success: true } nothing)
        {
            string name = Sent(path) ?? nothing.Groups[1].Value;
            string? wanted = JsonTypes.Expected(JsonTypes.At(type, path));
            return $"'{name}' must not be null{(wanted is null ? "" : $": expected {wanted}")}.";
        }
        if (Unmapped().Match(message) is { Success: true } unmapped)
        {
            string[] names = [.. (JsonTypes.At(type, Parent(path)) is { Kind: JsonTypeInfoKind.Object } at ? at.Properties
                : []).Where(one => one.Set is not null || one.AssociatedParameter is not null)
                .Select(one => $"'{one.Name}'").Take(MaxNames)];
            return $"There is no member '{Short(unmapped.Groups[1].Value)}' "
                + $"here{(names.Length == 0 ? "" : $": expected {string.Join(", ", names)}")}.";
        }
        if (Twice().Match(message) is not { Success: true } twice) return null;
        string what = twice.Groups[1].Success ? $"The member '{Short(Sent(path) ?? twice.Groups[1].Value)}'" : "A member";
        return $"{what} is there twice.";
    }

    // Messages have a member's name in code; the path has the name that was sent.
    private static string? Sent(string? path)
        => path?.LastIndexOf('.') is { } dot and >= 0 && !path.EndsWith(']') ? path[(dot + 1)..] : null;

    private static string Described(JsonTypeInfo? of, string name)
        => of is not null && JsonTypes.Member(of, name) is { } member
        && of.Options.TryGetTypeInfo(member.PropertyType, out JsonTypeInfo? type) && JsonTypes.Expected(type) is { } expected
            ? $"'{name}' ({expected})" : $"'{name}'";

    private static string Parent(string? path)
    {
        if (path is null) return "$";
        int end = path.EndsWith("']", StringComparison.Ordinal) ? path.LastIndexOf("['", StringComparison.Ordinal) : path.LastIndexOf('.');
        return end <= 0 ? "$" : path[..end];
    }

    private static string Short(string name) => name.Length <= MaxName ? name : name[..MaxName] + "…";

    [GeneratedRegex(@"^The JSON value could not be converted to .+?\.(?= Path: |$)", RegexOptions.Singleline)]
    private static partial Regex Converted();

    [GeneratedRegex("^JSON deserialization for type '.+?' was missing required properties including: (.*)$", RegexOptions.Singleline)]
    private static partial Regex Required();

    [GeneratedRegex("'(.*?)'(?=, |;|\\.|$)", RegexOptions.Singleline)]
    private static partial Regex Quoted();

    [GeneratedRegex("^The (?:property or field|constructor parameter) '(.+?)' on type '.+?' doesn't allow (?:setting )?null values\\.",
        RegexOptions.Singleline)]
    private static partial Regex Null();

    [GeneratedRegex("^The JSON property '(.*)' could not be mapped to any \\.NET member contained in type '.+?'\\.",
        RegexOptions.Singleline)]
    private static partial Regex Unmapped();

    [GeneratedRegex("^Duplicate propert(?:y '(.*)' encountered during deserialization of type|ies not allowed during deserialization)",
        RegexOptions.Singleline)]
    private static partial Regex Twice();
}
