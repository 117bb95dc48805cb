// The events of the tests: parcels in a sorting office, a domain that the store has never heard of.
namespace Framelease.EventStore.Tests.Support;

public sealed record ParcelAccepted(string Sender, int Grams, ParcelSize Size);

public sealed record ParcelSorted(int Chute, DateTimeOffset? SeenAt = null);

public sealed record ParcelHandedOver(string To);

public enum ParcelSize
{
    Letter,
    Box,
}

public static class Parcels
{
    public static EventRegistry Registry() => new EventRegistry()
        .Register<ParcelAccepted>("parcel_accepted")
        .Register<ParcelSorted>("parcel_sorted")
        .Register<ParcelHandedOver>("parcel_handed_over");
}
