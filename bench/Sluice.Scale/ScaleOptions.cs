using System.Globalization;

namespace Sluice.Scale;

/// <summary>What is simulated.</summary>
internal sealed record ScaleOptions
{
    public const string Usage = """
        usage: scale [--hosts 100] [--partitions 1000] [--flows 50] [--deaths 30] [--rate 1000] [--latency 1] [--loss 0]
                     [--seconds 60] [--lease 30] [--seed 1]
          --hosts        processes; each runs the consecutor and hosts the processors of the flows
          --partitions   partitions of the consecutor
          --flows        runs of a flow of three processors, which puts out one value a second
          --deaths       hosts that die at once, without a word
          --rate         items sent in a second, by all hosts together
          --latency      milliseconds of a call to the store and back, on average
          --loss         share of the calls whose answer is lost
          --seconds      virtual seconds of each measured phase
          --lease        seconds after which a silent host counts as dead
        """;

    public int Hosts { get; init; } = 100;

    public int Partitions { get; init; } = 1000;

    public int Flows { get; init; } = 50;

    public int Deaths { get; init; } = 30;

    public int Rate { get; init; } = 1000;

    public double Latency { get; init; } = 1;

    public double Loss { get; init; }

    public int Seconds { get; init; } = 60;

    public int Lease { get; init; } = 30;

    public int Seed { get; init; } = 1;

    /// <summary>Reads the command line; null if it asks for help.</summary>
    /// <exception cref="FormatException">An option is unknown or out of range.</exception>
    public static ScaleOptions? Parse(string[] args)
    {
        var options = new ScaleOptions();
        for (int i = 0; i < args.Length; i += 2)
        {
            string name = args[i], text = i + 1 < args.Length ? args[i + 1] : "";
            if (name is "--help" or "-h") return null;
            options = name switch
            {
                "--hosts" => options with { Hosts = (int)Number(2, 1000) },
                "--partitions" => options with { Partitions = (int)Number(1, 4096) },
                "--flows" => options with { Flows = (int)Number(0, 1000) },
                "--deaths" => options with { Deaths = (int)Number(0, 999) },
                "--rate" => options with { Rate = (int)Number(0, 100_000) },
                "--latency" => options with { Latency = Number(0, 10_000) },
                "--loss" => options with { Loss = Number(0, 0.5) },
                "--seconds" => options with { Seconds = (int)Number(1, 3600) },
                "--lease" => options with { Lease = (int)Number(1, 3600) },
                "--seed" => options with { Seed = (int)Number(0, int.MaxValue) },
                _ => throw new FormatException($"unknown option '{name}'"),
            };

            double Number(double least, double most)
                => double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) && number >= least
                && number <= most ? number : throw new FormatException($"{name} takes a number from {least} to {most}, not '{text}'");
        }
        return options.Deaths < options.Hosts ? options : throw new FormatException("--deaths must leave a host");
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"--hosts {Hosts} --partitions {Partitions} "
        + $"--flows {Flows} --deaths {Deaths} --rate {Rate} --latency {Latency} --loss {Loss} --seconds {Seconds} --lease {Lease} "
        + $"--seed {Seed}");
}
