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
        CustomParser = result =>
        {
            // No separators of thousands: 2,5 would be 25.
            NumberStyles styles = initially is int or long ? NumberStyles.Integer : NumberStyles.Float;
            string given = result.Tokens[0].Value;
            if (T.TryParse(given, styles, CultureInfo.InvariantCulture, out T value)) return value;
            result.AddError($"{name} is a {(initially is int ? "whole number" : "number")}, not '{given}'.");
            return initially;
        }
    };
}
