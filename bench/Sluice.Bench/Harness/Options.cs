using System.Globalization;

namespace Sluice.Bench;

/// <summary>The parsed command line.</summary>
internal sealed record Options(IReadOnlyList<Scenario> Selected, bool Quick, int? Cores, bool Listing, int? Minutes)
{
    /// <summary>Parses the command line.</summary>
    /// <returns>The options; null if the command line is invalid, with the reason in <paramref name="problem"/>, in one line.</returns>
    public static Options? Parse(string[] args, IReadOnlyList<Scenario> all, out string? problem)
    {
        var selected = new List<Scenario>();
        var (quick, listing, cores, minutes) = (false, false, (int?)null, (int?)null);
        problem = null;
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "--quick":
                    quick = true;
                    break;
                case "list" or "--list" or "--help" or "-h":
                    listing = true;
                    break;
                case "--cores":
                    if (++i == args.Length || !TryCores(args[i], out var number))
                    {
                        problem = $"--cores takes a number from 1 to {Environment.ProcessorCount}, the cores of this machine";
                        return null;
                    }

                    cores = number;
                    break;
                case "--minutes":
                    if (++i == args.Length || !int.TryParse(args[i], NumberStyles.None, CultureInfo.InvariantCulture, out var many)
                        || many is < 1 or > 24 * 60)
                    {
                        problem = "--minutes takes a number from 1 to 1,440, the time of the scenario postgres-sustained";
                        return null;
                    }

                    minutes = many;
                    break;
                case var name:
                    if (Find(name, all) is not { } scenario)
                    {
                        problem = name.StartsWith('-')
                            ? $"unknown option '{name}': there are --quick, --cores N, --minutes N, --help"
                            : $"unknown scenario '{name}': there are {string.Join(", ", all.Select(one => one.Name))}";
                        return null;
                    }

                    if (!selected.Contains(scenario)) selected.Add(scenario);
                    break;
            }
        }

        return new Options(selected.Count > 0 ? selected : [.. all.Where(static one => !one.IsOnRequest)], quick, cores, listing, minutes);
    }

    private static bool TryCores(string text, out int cores)
        => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out cores) && cores >= 1
        && cores <= Environment.ProcessorCount;

    // `broadcast-buffered` alone is useful during work on it; `broadcast` runs both.
    private static Scenario? Find(string name, IReadOnlyList<Scenario> all)
        => all.FirstOrDefault(scenario => scenario.Name == name)
            ?? all.SelectMany(
                    scenario => scenario.Comparisons,
                    (scenario, comparison) => scenario with { Name = comparison.Name, Comparisons = [comparison] })
                .FirstOrDefault(alone => alone.Name == name);
}
