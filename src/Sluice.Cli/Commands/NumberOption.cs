using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace Sluice.Cli.Commands;

/// <summary>Makes the options that take a number.</summary>
internal static class NumberOption
{
    /// <summary>An option with a value for command lines that do not give it.</summary>
    /// <param name="name">The name, such as <c>--max</c>.</param>
    /// <param name="unit">The word for the number in the help, such as <c>SECONDS</c>.</param>
    /// <param name="description">The meaning and the range. The command checks the range.</param>
    /// <param name="initially">The value if the command line gives none.</param>
    public static Option<T> Of<T>(string name, string unit, string description, T initially) where T : struct, INumber<T> => new(name)
    {
        HelpName = unit,
        Description = description,
        DefaultValueFactory = _ => initially,
        CustomParser = result => Parse<T>(name, result) ?? initially,
    };

    /// <summary>An option without a value for command lines that do not give it.</summary>
    /// <inheritdoc cref="Of"/>
    public static Option<T?> Optional<T>(string name, string unit, string description) where T : struct, INumber<T> => new(name)
    {
        HelpName = unit,
        Description = description,
        CustomParser = result => Parse<T>(name, result),
    };

    private static T? Parse<T>(string name, ArgumentResult result) where T : struct, INumber<T>
    {
        // No separators of thousands: 2,5 would be 25.
        bool isWhole = typeof(T) == typeof(int) || typeof(T) == typeof(long);
        string given = result.Tokens[0].Value;
        if (T.TryParse(given, isWhole ? NumberStyles.Integer : NumberStyles.Float, CultureInfo.InvariantCulture, out T value)) return value;
        result.AddError($"{name} is a {(isWhole ? "whole number" : "number")}, not '{given}'.");
        return null;
    }
}
