namespace Sluice.Packages.Tests;

/// <summary>The templates, from the packed package, in a directory of their own.</summary>
internal static class Templates
{
    internal static Task<string> InstallAsync(CleanDirectory clean, Packed packed)
        => clean.RunAsync("new", "install", Path.Combine(packed.Source, $"Sluice.Templates.{packed.Version}.nupkg"),
            "--debug:custom-hive", Path.Combine(clean.Path, "hive"));

    internal static Task<string> NewAsync(CleanDirectory clean, string template, string name)
        => clean.RunAsync("new", template, "-o", name, "--no-update-check", "--debug:custom-hive", Path.Combine(clean.Path, "hive"));
}
