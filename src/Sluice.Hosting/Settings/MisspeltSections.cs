using Microsoft.Extensions.Configuration;
using Sluice.Topologies;

namespace Sluice.Hosting;

/// <summary>Finds what looks like settings of Sluice and is not read: a section with nearly its name, and an environment variable with one
/// underscore.</summary>
internal static class MisspeltSections
{
    private const string Root = "Sluice";
    private const int MostExtra = 2;                 // letters; SluiceTools is another section

    /// <summary>The mistakes: sections with nearly the right name, and settings of Sluice in them.</summary>
    public static IEnumerable<string> Find(IConfiguration configuration, IReadOnlyCollection<string> settings)
        => configuration.GetChildren()
            .Where(section => !IsRoot(section.Key) && Math.Abs(section.Key.Length - Root.Length) <= MostExtra
                && NearNames.Of(section.Key, [Root]).Count > 0 && section.GetChildren().Any(setting => IsIn(settings, setting.Key)))
            .Select(static section => $"{section.Path} is no section that Sluice reads; its settings are in {Root}.");

    /// <summary>The names that may be meant as settings: <c>Sluice_Store</c> of the environment is no <c>Sluice:Store</c>.</summary>
    public static IEnumerable<string> FindNames(IConfiguration configuration, IReadOnlyCollection<string> settings)
        => configuration.GetChildren().Select(static value => value.Key)
            .Where(key => key.Split('_', 3) is [var root, var name, ..] && IsRoot(root) && IsIn(settings, name));

    private static bool IsRoot(string name) => name.Equals(Root, StringComparison.OrdinalIgnoreCase);

    private static bool IsIn(IReadOnlyCollection<string> settings, string name)
        => settings.Contains(name, StringComparer.OrdinalIgnoreCase);
}
