using System.Diagnostics.Metrics;
using Sluice.Diagnostics;

namespace Sluice.Tests.Engine;

public class BacklogTelemetryTests
{
    /// <summary>Each member counts what its own partitions have. Only the backlog and the letters are those of the group.</summary>
    [Fact]
    public void MembersOfOneNameInAProcessAreAddedUpExceptForWhatTheGroupShares()
    {
        const string Name = "two-members-in-a-process";
        Dictionary<string, long> figures = [];
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, self) =>
            {
                if (instrument.Meter.Name == "Sluice" && instrument.IsObservable) self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            foreach (KeyValuePair<string, object?> tag in tags)
                if (tag is { Key: "messaging.destination.name", Value: Name }) figures[instrument.Name.Split('.')[^1]] = value;
        });
        listener.Start();
        Member[] members = [new(new(9, 1, 2, 3, 4, 5, 6, 7)), new(new(8, 10, 20, 30, 40, 6, 60, 6))];
        try
        {
            foreach (Member member in members) BacklogTelemetry.Started(member);
            listener.RecordObservableInstruments();
        }
        finally
        {
            foreach (Member member in members) BacklogTelemetry.Ended(member);
        }

        Assert.Equal((9, 11, 22, 33, 44, 6, 66), (figures["pending"], figures["in_flight"], figures["retrying"], figures["parked"],
            figures["suspect"], figures["dead_letters"], figures["partitions"]));
    }

    private sealed class Member(BacklogFigures figures) : IObservedConsecutor
    {
        public string Name => "two-members-in-a-process";

        public BacklogFigures Observe() => figures;

        public TimeSpan? ObserveOldest() => null;
    }
}
